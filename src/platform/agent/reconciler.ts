import { type Differences, differences, type Key } from './differences.ts';
import { type Periodic, type PeriodicOptions, periodic } from './periodic.ts';

/** What a run found; all that differed was mended, or the run has failed. */
export interface Findings {
  wanted: number;
  present: number;
  missing: number;
  surplus: number;
  changed: number;
}

export interface ReconcilerDefinition<Wanted, Present> extends PeriodicOptions<Findings> {
  name: string;
  /** What should be there. */
  wanted: (signal: AbortSignal) => Promise<Iterable<Wanted>>;
  /** What is there. */
  present: (signal: AbortSignal) => Promise<Iterable<Present>>;
  key: Key<Wanted, Present>;
  /** Is what is there as it should be? Default: to be there is enough. */
  same?: (wanted: Wanted, present: Present) => boolean;
  /** Mends all differences in one go (one batch, one transaction). Not called when there are none. */
  mend: (differences: Differences<Wanted, Present>, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds between runs that nobody asked for. */
  every: number;
}

/**
 * Keeps what is on a host as it should be: at start, when woken by an event, and every so often, so that a lost event
 * and somebody else's hand are mended too.
 */
export function reconciler<Wanted, Present>(
  definition: ReconcilerDefinition<Wanted, Present>,
): Periodic<Findings> {
  const { name, every, key, same, mend, ...options } = definition;
  const run = async (signal: AbortSignal): Promise<Findings> => {
    const [wanted, present] = await Promise.all([definition.wanted(signal), definition.present(signal)]);
    const [should, is] = [[...wanted], [...present]];
    const found = differences(should, is, key, same);
    const { missing, surplus, changed } = found;
    // Stopped in between: what was read may be half of it.
    signal.throwIfAborted();
    if (missing.length + surplus.length + changed.length > 0) await mend(found, signal);
    return {
      wanted: should.length,
      present: is.length,
      missing: missing.length,
      surplus: surplus.length,
      changed: changed.length,
    };
  };
  return periodic(name, every, run, options);
}
