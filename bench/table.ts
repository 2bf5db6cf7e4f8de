import { earlierFigures } from './figures.ts';

/** What a measure came to on one cloud. */
export interface Figure {
  value: number;
  note?: string;
}

/** @param figures ours first, then the peer's where there is one that was measured too */
export type Report = (what: string, unit: string, figures: readonly (Figure | undefined)[]) => void;

/** A figure with as many digits as say something. */
export const shown = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** Of rates more is better; of all else (times, memory) less. */
const ratio = (unit: string, ours: number, other: number): number =>
  unit.endsWith('/s') ? ours / other : other / ours;

/**
 * Prints the table's head, which says what is compared with.
 *
 * @returns prints a row; with a peer, what was not asked of it is compared with the earlier figure, marked `*`
 */
export function openTable(withPeer: boolean): Report {
  const row = (what: string, ours: string, other: string, times: string, note: string) =>
    console.log(
      `| ${what.padEnd(63)} | ${ours.padEnd(16)} | ${other.padEnd(31)} | ${times.padEnd(8)} | ${note} |`,
    );
  const head = withPeer ? 'peer, this run (* Zed, earlier)' : 'OpenStack Zed, earlier';
  row('what', 'cumulet', head, 'ratio', '');
  console.log('|---|---|---|---|---|');
  return (what, unit, [ours, peer]) => {
    if (!ours) return;
    const other = peer ? { value: peer.value, unit } : earlierFigures[what];
    const times = other ? ratio(other.unit, ours.value, other.value) : Number.NaN;
    const notes = [ours.note, peer?.note && `peer ${peer.note}`];
    row(
      what,
      `${shown(ours.value)} ${unit}`,
      other ? `${shown(other.value)} ${other.unit}${withPeer && !peer ? ' *' : ''}` : '',
      Number.isFinite(times) ? `× ${shown(times)}` : '',
      notes.filter(Boolean).join('; '),
    );
  };
}
