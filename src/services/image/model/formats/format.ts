/** The parts of a file that formats are known by. */
export interface Sample {
  /** The first 4 MiB, or all where it is shorter. */
  head: Buffer;
  /** The last 512 bytes. */
  tail: Buffer;
  size: number;
}

export interface Detected {
  /** As images name it; `raw` for what no format claims. */
  format: string;
  /** What a guest sees, in bytes; `null` where the header does not say. */
  virtualSize: number | null;
  /** Why nobody should open the file; `null` when nothing is known against it. */
  danger: string | null;
}

/** A format's own look: `undefined` when the file is not of it. */
export type Inspector = (sample: Sample) => Detected | undefined;

/** A number of 64 bits that fits, or `null`: headers are written by strangers. */
export function safeSize(value: bigint): number | null {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}
