import type { ComparisonOp, Condition } from '../../../platform/resource/rows.ts';

/** Whether a row that is in no table is as conditions ask, as a table would decide. */
export const matches = (row: object, conditions: readonly Condition[]): boolean =>
  conditions.every((condition) => holds(row as Record<string, unknown>, condition));

function holds(row: Record<string, unknown>, condition: Condition): boolean {
  if ('any' in condition) return condition.any.some((group) => matches(row, group));
  // What only a database can decide is not true of what it has not got.
  if ('expression' in condition) return false;
  const value = row[condition.column] ?? null;
  if (condition.op === 'null') return value === null;
  if (condition.op === 'notnull') return value !== null;
  const { op, value: wanted } = condition as { op: ComparisonOp; value: unknown };
  if (op === 'eq') return value === wanted;
  if (op === 'ne') return value !== wanted;
  if (op === 'in') return (wanted as readonly unknown[]).includes(value);
  if (op === 'nin') return !(wanted as readonly unknown[]).includes(value);
  if (value === null) return false;
  const [text, part] = [String(value), String(wanted)];
  switch (op) {
    case 'lt':
      return text < part;
    case 'lte':
      return text <= part;
    case 'gt':
      return text > part;
    case 'gte':
      return text >= part;
    case 'contains':
      return text.includes(part);
    case 'startswith':
      return text.startsWith(part);
    case 'endswith':
      return text.endsWith(part);
    case 'iequals':
      return text.toLowerCase() === part.toLowerCase();
    case 'icontains':
      return text.toLowerCase().includes(part.toLowerCase());
    case 'istartswith':
      return text.toLowerCase().startsWith(part.toLowerCase());
    case 'iendswith':
      return text.toLowerCase().endsWith(part.toLowerCase());
    default:
      return false;
  }
}
