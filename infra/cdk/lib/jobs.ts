// What the jobs of all projects come to: who may ask for what, and what is started for it.

import type { Job, PagureCiProps, Project } from './props';

/** What starts builds. */
export type Engine = 'codebuild' | 'codepipeline';

/** A job of Pagure's form, and what it leads to. */
export interface Lead {
  readonly job: string;
  readonly engine: string;
  readonly target: string;
  readonly untrusted: string | undefined;
}

/** What a project's jobs lead to. */
export function leads(project: Project): Lead[] {
  return Object.entries(project.jobs).map(([job, it]) => lead(job, it));
}

function lead(job: string, it: Job): Lead {
  const slash = job.indexOf('/');
  // A job without an engine is CodeBuild's.
  const engine = slash < 0 ? 'codebuild' : job.slice(0, slash);
  return { job, engine, target: it.name ?? job.slice(slash + 1), untrusted: it.untrusted };
}

/** The names of all that may be started, each once. */
export function targets(props: Pick<PagureCiProps, 'projects'>, engine: Engine): string[] {
  const all = Object.values(props.projects).flatMap(leads);
  const named = all.filter((one) => one.engine === engine).map((one) => one.target);
  const untrusted = engine === 'codebuild' ? all.flatMap((one) => one.untrusted ?? []) : [];
  return [...new Set([...named, ...untrusted])];
}

/** How the user is called that is made for a project. */
export function userName(prefix: string, project: string): string {
  return `${prefix}-pagure-${project.replaceAll('/', '-')}`;
}

/** The map of callers, as `trigger` reads it, from who signs for a project. */
export function callersJson(
  props: Pick<PagureCiProps, 'projects'>,
  callerOf: (name: string, project: Project) => string,
): string {
  const callers: Record<string, Record<string, unknown>> = {};
  for (const [name, project] of Object.entries(props.projects)) {
    const own = (callers[callerOf(name, project)] ??= {});
    own[name] = { strangers: project.strangers ?? 'hold', jobs: project.jobs };
  }
  return JSON.stringify({ callers });
}
