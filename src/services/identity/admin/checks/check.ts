import type { Identity } from '../../identity.ts';

/** Something that is not as it should be. */
export interface Symptom {
  /** A problem stops somebody; a warning will, or lets somebody in who should not be. */
  severity: 'problem' | 'warning';
  seen: string;
  mend: string;
}

/** One thing to look at. */
export interface Check {
  what: string;
  look(): Symptom | undefined | Promise<Symptom | undefined>;
}

export interface Examined {
  identity: Identity;
  stateDir: string;
}

export const symptom = (
  is: boolean,
  severity: Symptom['severity'],
  rest: Pick<Symptom, 'seen' | 'mend'>,
): Symptom | undefined => (is ? { severity, ...rest } : undefined);

/** A few of many, for one line. */
export const some = (names: readonly string[]): string => {
  const left = names.length - 5;
  return `${names.slice(0, 5).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
};
