import { microversion } from '../microversion/microversion.ts';
import type { Route } from './route.ts';
import { type Validator, validator } from './validation.ts';

/** A route with what of it can be worked out before there are requests. */
export interface Prepared {
  route: Route;
  /** Body checks, newest microversion first. */
  bodies: { since: number; check: Validator }[];
  since: number;
  until: number;
}

/** @throws BadRequest for a microversion that is none */
export function prepare(route: Route): Prepared {
  const schemas =
    route.body === undefined ? [] : Array.isArray(route.body) ? route.body : [['0.0', route.body]];
  return {
    route,
    bodies: schemas
      .map(([since, schema]) => ({
        since: since === '0.0' ? 0 : microversion(since),
        check: validator(schema),
      }))
      .toReversed(),
    since: route.since ? microversion(route.since) : 0,
    until: route.until ? microversion(route.until) : Number.POSITIVE_INFINITY,
  };
}
