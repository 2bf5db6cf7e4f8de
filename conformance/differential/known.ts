/** A difference that is meant to be, or cannot be helped. */
export interface Known {
  /** Why; said in the report. */
  why: string;
  /** Which cases, by their titles. */
  of: RegExp;
  /** Which of the changed lines (`-theirs`, `+ours`); all of the case's where it is not said. */
  lines?: RegExp;
}

export const known: Readonly<Record<string, readonly Known[]>> = {
  identity: [],
  image: [],
  placement: [],
};
