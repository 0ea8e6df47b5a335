// A CodeBuild project and a pipeline to try it with; both run the commit's own buildspec.yml.

import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Names } from './documents';
import { makeLogGroup, makeRole } from './functions';
import { SOURCES_PREFIX, type Naming } from './naming';
import type { PagureCiProps } from './props';

// At most seven: a configuration value of an action ends at 1000 characters.
const VARIABLES = ['CHELA_BUILD_ID', 'CHELA_COMMIT', 'CHELA_PULL_REQUEST'];
// Each build names its own source; there is never anything here.
const NO_SOURCE = `${SOURCES_PREFIX}none.zip`;

/** Make both. */
export function makeSamples(
  scope: Construct,
  props: PagureCiProps,
  naming: Naming,
  names: Names,
  sources: s3.Bucket,
  key: kms.IKey | undefined,
): void {
  makeProject(scope, props, naming, names, {
    id: 'Sample',
    role: { id: 'Build', name: 'build', trust: 'trust-build' },
    name: naming.sampleProject,
    logs: 'SampleBuildLogGroup',
    description: "A sample; buildspec.yml is the commit's",
    source: { type: 'S3', location: `${sources.bucketName}/${NO_SOURCE}` },
    artifacts: { type: 'NO_ARTIFACTS' },
  });
  // Its events are nobody's: the pipeline's end is the flag's.
  const build = makeProject(scope, props, naming, names, {
    id: 'PipelineBuild',
    role: { id: 'PipelineBuild', name: 'pipeline-build', trust: 'trust-pipeline-build' },
    name: naming.pipelineBuildProject,
    logs: 'PipelineBuildLogGroup',
    description: "A sample; what the pipeline's action builds with",
    source: { type: 'CODEPIPELINE' },
    artifacts: { type: 'CODEPIPELINE' },
  });
  makePipeline(scope, naming, names, sources, build, key);
}

interface ProjectKind extends Required<Pick<codebuild.CfnProjectProps, 'name' | 'description'>> {
  readonly id: string;
  readonly role: { readonly id: string; readonly name: string; readonly trust: string };
  readonly logs: string;
  readonly source: codebuild.CfnProject.SourceProperty;
  readonly artifacts: codebuild.CfnProject.ArtifactsProperty;
}

function makeProject(
  scope: Construct,
  props: PagureCiProps,
  naming: Naming,
  names: Names,
  kind: ProjectKind,
): codebuild.CfnProject {
  const logs = makeLogGroup(scope, kind.logs, naming.buildLogs(kind.name), props);
  const { role, rights } = makeRole(scope, naming, names, kind.role);
  const project = new codebuild.CfnProject(scope, `${kind.id}Project`, {
    name: kind.name,
    description: kind.description,
    serviceRole: role.roleArn,
    source: kind.source,
    artifacts: kind.artifacts,
    environment: environment(props),
    logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: logs.logGroupName } },
    // A flood of pull requests must not cost more than this.
    concurrentBuildLimit: 2,
    timeoutInMinutes: 30,
    queuedTimeoutInMinutes: 60,
  });
  project.addResourceDependency(rights);
  return project;
}

function environment(props: PagureCiProps): codebuild.CfnProject.EnvironmentProperty {
  const isArm = props.architecture?.name === lambda.Architecture.ARM_64.name;
  return {
    type: isArm ? 'ARM_CONTAINER' : 'LINUX_CONTAINER',
    computeType: 'BUILD_GENERAL1_SMALL',
    image: isArm
      ? 'aws/codebuild/amazonlinux-aarch64-standard:3.0'
      : 'aws/codebuild/amazonlinux-x86_64-standard:5.0',
  };
}

function makePipeline(
  scope: Construct,
  naming: Naming,
  names: Names,
  sources: s3.Bucket,
  build: codebuild.CfnProject,
  key: kms.IKey | undefined,
): void {
  const { role, rights } = makeRole(scope, naming, names, {
    id: 'Pipeline',
    name: 'pipeline',
    trust: 'trust-pipeline',
  });
  const pipeline = new codepipeline.CfnPipeline(scope, 'SamplePipeline', {
    name: naming.samplePipeline,
    pipelineType: 'V2',
    // With SUPERSEDED one pull request's execution would push another's out.
    executionMode: 'PARALLEL',
    roleArn: role.roleArn,
    artifactStore: {
      type: 'S3',
      location: sources.bucketName,
      ...(key ? { encryptionKey: { id: key.keyArn, type: 'KMS' } } : {}),
    },
    variables: VARIABLES.map((name) => ({ name, defaultValue: 'none' })),
    stages: [
      { name: 'Source', actions: [sourceAction(sources)] },
      { name: 'Build', actions: [buildAction(build)] },
    ],
  });
  pipeline.addResourceDependency(rights);
}

function sourceAction(sources: s3.Bucket): codepipeline.CfnPipeline.ActionDeclarationProperty {
  return {
    name: 'Source',
    actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
    configuration: {
      S3Bucket: sources.bucketName,
      S3ObjectKey: NO_SOURCE,
      AllowOverrideForS3ObjectKey: 'true',
      // Else each upload would start one execution more.
      PollForSourceChanges: 'false',
    },
    outputArtifacts: [{ name: 'Source' }],
  };
}

function buildAction(build: codebuild.CfnProject): codepipeline.CfnPipeline.ActionDeclarationProperty {
  const variables = VARIABLES.map((name) => ({ name, value: `#{variables.${name}}` }));
  return {
    name: 'Build',
    actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
    inputArtifacts: [{ name: 'Source' }],
    configuration: { ProjectName: build.ref, EnvironmentVariables: JSON.stringify(variables) },
  };
}
