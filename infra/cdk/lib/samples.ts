// A CodeBuild project and a pipeline to try it with; both run the commit's own buildspec.yml.

import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { makeLogGroup, makeRole } from './functions';
import { SOURCES_PREFIX } from './naming';
import type { PagureCiProps } from './props';
import type { Site } from './site';

// At most seven: a configuration value of an action ends at 1000 characters.
const VARIABLES = ['CHELA_BUILD_ID', 'CHELA_COMMIT', 'CHELA_PULL_REQUEST'];
// Each build names its own source; there is never anything here.
const NO_SOURCE = `${SOURCES_PREFIX}none.zip`;

/** Make both. */
export function makeSamples(site: Site, sources: s3.Bucket): void {
  const { naming } = site;
  makeProject(site, {
    id: 'Sample',
    role: { id: 'Build', name: 'build', trust: 'trust-build' },
    name: naming.sampleProject,
    logs: 'SampleBuildLogGroup',
    description: "A sample; buildspec.yml is the commit's",
    source: { type: 'S3', location: `${sources.bucketName}/${NO_SOURCE}` },
    artifacts: { type: 'NO_ARTIFACTS' },
  });
  // Its events are nobody's: the pipeline's end is the flag's.
  const build = makeProject(site, {
    id: 'PipelineBuild',
    role: { id: 'PipelineBuild', name: 'pipeline-build', trust: 'trust-pipeline-build' },
    name: naming.pipelineBuildProject,
    logs: 'PipelineBuildLogGroup',
    description: "A sample; what the pipeline's action builds with",
    source: { type: 'CODEPIPELINE' },
    artifacts: { type: 'CODEPIPELINE' },
  });
  makePipeline(site, sources, build);
}

interface ProjectKind extends Required<Pick<codebuild.CfnProjectProps, 'name' | 'description'>> {
  readonly id: string;
  readonly role: { readonly id: string; readonly name: string; readonly trust: string };
  readonly logs: string;
  readonly source: codebuild.CfnProject.SourceProperty;
  readonly artifacts: codebuild.CfnProject.ArtifactsProperty;
}

function makeProject(site: Site, kind: ProjectKind): codebuild.CfnProject {
  const { scope, props, naming } = site;
  const logs = makeLogGroup(site, kind.logs, naming.buildLogs(kind.name));
  const { role, rights } = makeRole(site, kind.role);
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
    image: isArm ? 'aws/codebuild/amazonlinux-aarch64-standard:3.0' : 'aws/codebuild/amazonlinux-x86_64-standard:5.0',
  };
}

function makePipeline(site: Site, sources: s3.Bucket, build: codebuild.CfnProject): void {
  const { scope, naming, key } = site;
  const { role, rights } = makeRole(site, { id: 'Pipeline', name: 'pipeline', trust: 'trust-pipeline' });
  const pipeline = new codepipeline.CfnPipeline(scope, 'SamplePipeline', {
    name: naming.samplePipeline,
    pipelineType: 'V2',
    // With SUPERSEDED one pull request's execution would push another's out.
    executionMode: 'PARALLEL',
    roleArn: role.roleArn,
    artifactStore: {
      type: 'S3',
      location: sources.bucketName,
      encryptionKey: key && { id: key.keyArn, type: 'KMS' },
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
  const variables = VARIABLES.map((name) => ({ name, value: `#{variables.${name}}`, type: 'PLAINTEXT' }));
  return {
    name: 'Build',
    actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
    inputArtifacts: [{ name: 'Source' }],
    configuration: { ProjectName: build.ref, EnvironmentVariables: JSON.stringify(variables) },
  };
}
