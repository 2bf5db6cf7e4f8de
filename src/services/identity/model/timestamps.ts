/**
 * Instants are whole microseconds since 1970 UTC (a safe integer until the year 2255): identity's tokens carry
 * microseconds, which a `Date` would drop.
 */
export type Micros = number;

const pattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/;

/** The present, to the millisecond that the clock gives. */
export function nowMicros(): Micros {
  return Date.now() * 1000;
}

/** `2026-01-31T12:34:56.000000Z`, as every time in the identity API is written. */
export function toIsoTime(micros: Micros): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros - seconds * 1e6).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/**
 * Reads ISO 8601 with or without fraction and zone (none means UTC); digits past the microsecond are dropped.
 * @throws RangeError when it is not a time
 */
export function parseIsoTime(text: string): Micros {
  const match = pattern.exec(text);
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match ?? [];
  if (!year || !month || !day || !hour || !minute || !second) {
    throw new RangeError(`Invalid time: ${JSON.stringify(text.slice(0, 64))}`);
  }
  const millis = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second);
  const date = new Date(millis);
  if (
    date.getUTCMonth() !== +month - 1 ||
    date.getUTCDate() !== +day ||
    +hour > 23 ||
    +minute > 59 ||
    +second > 59
  ) {
    throw new RangeError(`Invalid time: ${JSON.stringify(text)}`);
  }
  const offsetMinutes = zone === 'Z' ? 0 : toOffsetMinutes(zone);
  return (millis - offsetMinutes * 60_000) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function toOffsetMinutes(zone: string): number {
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone[0] === '-' ? -minutes : minutes;
}

/** Seconds as the float that Python's `datetime` makes of the same instant. */
export function toSeconds(micros: Micros): number {
  return micros / 1e6;
}

/** The inverse of `toSeconds`, to the nearest microsecond. */
export function fromSeconds(seconds: number): Micros {
  const whole = Math.floor(seconds);
  return whole * 1e6 + Math.round((seconds - whole) * 1e6);
}
