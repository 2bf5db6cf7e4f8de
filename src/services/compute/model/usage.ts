import { BadRequest } from '../../../platform/errors/errors.ts';

/** A span of time, in milliseconds since 1970. */
export interface Period {
  start: number;
  end: number;
}

/** When a server ran; `null`: not yet. */
export interface Life {
  launched: number | null;
  terminated: number | null;
}

/** For how many hours of a period a server was there. */
export function hoursWithin({ launched, terminated }: Life, { start, end }: Period): number {
  if (launched === null) return 0;
  const from = Math.max(launched, start);
  const to = Math.min(terminated ?? end, end);
  return Math.max(0, to - from) / 3_600_000;
}

/**
 * A time as usage reports are asked for: ISO, without a zone, in UTC.
 *
 * @throws BadRequest
 */
export function parseReportTime(text: string | undefined, now: number): number {
  if (!text) return now;
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)| (\d\d:\d\d:\d\d\.\d{1,6}))$/.exec(
    text,
  );
  const parsed = match ? Date.parse(`${match[1]}T${match[2] ?? match[3]}Z`) : Number.NaN;
  if (Number.isNaN(parsed)) throw new BadRequest('Invalid datetime string: Datetime is in invalid format');
  return parsed;
}

/** @throws BadRequest for a period that ends before it begins */
export function reportPeriod(start: string | undefined, end: string | undefined, now: number): Period {
  const period = { start: parseReportTime(start, now), end: parseReportTime(end, now) };
  if (period.start >= period.end) {
    throw new BadRequest('Invalid start time. The start time cannot occur after the end time.');
  }
  return { start: period.start, end: Math.min(period.end, now) };
}
