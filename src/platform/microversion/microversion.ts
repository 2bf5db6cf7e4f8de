import type { IncomingHttpHeaders } from 'node:http';
import { BadRequest, NotAcceptable } from '../errors/errors.ts';

/** A microversion as one comparable integer: 2.55 is 2055. Versions without minor parts are 0. */
export type Microversion = number;

const known = new Map<string, Microversion>();

const wellFormed = /^([1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** `'2.55'` → 2055. Memoised, so it may stand in a hot path. @throws BadRequest unless it is `X.Y` */
export function microversion(text: string): Microversion {
  const found = known.get(text);
  if (found !== undefined) return found;
  const match = wellFormed.exec(text);
  if (!match) {
    throw new BadRequest(
      `Invalid version string: ${text.slice(0, 40)}: it must be of format Major.Minor, or 'latest'`,
    );
  }
  const version = Number(match[1]) * 1000 + Number(match[2]);
  known.set(text, version);
  return version;
}

/** 2055 → `'2.55'` */
export const formatMicroversion = (version: Microversion): string =>
  `${Math.floor(version / 1000)}.${version % 1000}`;

/** The microversions that an API speaks, and the headers by which a client asks for one. */
export interface MicroversionRange {
  /** The word in `OpenStack-API-Version: <word> 2.55`. */
  service: string;
  min: string;
  max: string;
  /** Headers from before the common one, e.g. `X-OpenStack-Nova-API-Version`: the value is the bare version. */
  legacyHeader?: string;
  /** The name that `Vary` says; the default is `OpenStack-API-Version`. */
  vary?: string;
  /** The API's own words for a version that it cannot serve; default are compute's. */
  refuse?(asked: string): Error;
}

/**
 * The microversion that a request asks for; `min` where it asks for none.
 * Source: the API-SIG's microversion specification.
 *
 * @throws BadRequest for a malformed version, NotAcceptable (406) for one outside the range
 */
export function negotiate(headers: IncomingHttpHeaders, range: MicroversionRange): Microversion {
  const asked = askedFor(headers, range);
  if (asked === undefined) return microversion(range.min);
  if (asked === 'latest') return microversion(range.max);
  const version = range.refuse && !wellFormed.test(asked) ? Number.NaN : microversion(asked);
  if (range.refuse && !(version >= microversion(range.min) && version <= microversion(range.max))) {
    throw range.refuse(asked);
  }
  if (version < microversion(range.min) || version > microversion(range.max)) {
    throw new NotAcceptable(
      `Version ${asked} is not supported by the API. Minimum is ${range.min} and maximum is ${range.max}.`,
      { details: { minVersion: range.min, maxVersion: range.max } },
    );
  }
  return version;
}

function askedFor(headers: IncomingHttpHeaders, range: MicroversionRange): string | undefined {
  const common = headers['openstack-api-version'];
  if (typeof common === 'string') {
    // Several services may be named in one header: `compute 2.55, identity 3.9`.
    for (const part of common.split(',')) {
      const [service, version] = part.trim().split(/\s+/);
      if (service?.toLowerCase() === range.service && version) return version.toLowerCase();
    }
  }
  if (range.legacyHeader) {
    const legacy = headers[range.legacyHeader.toLowerCase()];
    if (typeof legacy === 'string') return legacy.trim().toLowerCase();
  }
  return undefined;
}

/** The headers that tell the client, and every cache on the way, which version answered. */
export function versionHeaders(version: Microversion, range: MicroversionRange): Record<string, string> {
  const text = formatMicroversion(version);
  const common = range.vary ?? 'OpenStack-API-Version';
  const headers: Record<string, string> = {
    'openstack-api-version': `${range.service} ${text}`,
    vary: range.legacyHeader ? `${common}, ${range.legacyHeader}` : common,
  };
  if (range.legacyHeader) headers[range.legacyHeader.toLowerCase()] = text;
  return headers;
}
