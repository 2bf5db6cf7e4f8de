import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { userTime } from '../model/password-rules.ts';
import { parseIsoTime } from '../model/timestamps.ts';
import type { UserRow } from '../store/tables.ts';

const operators = ['lt', 'lte', 'gt', 'gte', 'eq', 'neq'] as const;
type Operator = (typeof operators)[number];
interface Asked {
  operator: Operator;
  at: string;
}

const isOperator = (text: string): text is Operator => (operators as readonly string[]).includes(text);

/** Reads `password_expires_at=lt:2016-11-06T15:32:17Z`; without an operator it is `eq`. @throws BadRequest */
function read(value: string): Asked {
  const [, operator = 'eq', time = value] = /^(\w{2,3}):(.*)$/s.exec(value) ?? [];
  let at: string;
  try {
    at = userTime(parseIsoTime(time));
  } catch {
    throw new BadRequest(
      'Timestamp not in expected format. The server could not comply with the request since it is either ' +
        'malformed or otherwise incorrect. The client is assumed to be in error.',
    );
  }
  if (!isOperator(operator)) {
    throw new BadRequest(
      `The given operator ${operator} is not valid. It must be one of the following: 'eq', 'neq', 'lt', 'lte', ` +
        "'gt', or 'gte'.",
    );
  }
  return { operator, at };
}

/** The filter as conditions on `users`. @throws BadRequest for a value that is none */
export const expiryConditions = (values: readonly string[]): Condition[] =>
  values.map(read).flatMap(({ operator, at: value }): Condition[] => {
    const column = 'password_expires_at';
    if (operator === 'neq')
      return [
        { column, op: 'ne', value },
        { column, op: 'notnull' },
      ];
    return [{ column, op: operator, value }];
  });

/** Whether a user's password ends as the filter says. @throws BadRequest for a value that is none */
export function expiryFilter(values: readonly string[]): (user: UserRow) => boolean {
  const asked = values.map(read);
  return ({ password_expires_at: ends }) =>
    asked.every(({ operator, at }) => {
      if (ends === null) return false;
      const order = ends < at ? -1 : ends > at ? 1 : 0;
      return {
        lt: order < 0,
        lte: order <= 0,
        gt: order > 0,
        gte: order >= 0,
        eq: order === 0,
        neq: order !== 0,
      }[operator];
    });
}
