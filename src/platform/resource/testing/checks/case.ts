import type { Subject } from '../subject.ts';

/** One sentence about a resource, and what proves it. */
export interface Case {
  says: string;
  run(): Promise<void>;
}

/** The cases that follow from what a resource has. */
export type Check = (subject: Subject) => Case[];
