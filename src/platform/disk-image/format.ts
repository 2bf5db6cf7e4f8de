/** The parts of a file that formats are known by. */
export interface Sample {
  /** The first 4 MiB, or all where it is shorter. */
  head: Buffer;
  /** The last 1536 bytes, or all where it is shorter; `null` while more is to come. */
  tail: Buffer | null;
  /** Bytes of the file; of what has come of it, while more is to come. */
  size: number;
  /** A part behind the head that the head asked for (`laterPart`), as far as it is there. */
  later: Buffer | null;
}

/** A part of a file. */
export interface Part {
  at: number;
  length: number;
}

export interface Detected {
  /** As images name it, and `gpt`, `luks`, `qed` besides; `raw` for what no format claims. */
  format: string;
  /** What a guest sees, in bytes; `null` where the header does not say. */
  virtualSize: number | null;
  /** Why nobody should open the file; `null` when nothing is known against it. */
  danger: string | null;
  /** The danger is in the partition table only: a disk that is opened as raw cannot hurt by it. */
  check?: 'mbr';
}

/** A format's own look: `undefined` when the file is not of it. */
export type Inspector = (sample: Sample) => Detected | undefined;

/** A number of 64 bits that fits, or `null`: headers are written by strangers. */
export function safeSize(value: bigint): number | null {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}
