export { PagureCi, WrongPropertiesError } from './pagure-ci';
export type { Functions, Job, Network, PagureCiProps, Project } from './props';
