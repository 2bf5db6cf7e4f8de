import { Attribute, Change } from 'ldapts';
import { BadRequest, Conflict, Forbidden } from '../../../../platform/errors/errors.ts';
import { codeOf, isCode } from './errors.ts';

/** @throws Forbidden where the operator has not allowed it */
export function assertAllowed(allowed: boolean): void {
  if (!allowed) throw new Forbidden('LDAP does not support write operations');
}

/** Puts a value, or takes it away (`null`); undefined where nothing changes. */
export function changeOf(
  attribute: string,
  before: string | undefined,
  after: string | null,
): Change | undefined {
  if (after === (before ?? null)) return undefined;
  if (after === null)
    return new Change({ operation: 'delete', modification: new Attribute({ type: attribute }) });
  return replacing(attribute, after);
}

export const replacing = (attribute: string, value: string | Buffer): Change =>
  new Change({
    operation: 'replace',
    modification: new Attribute({ type: attribute, values: [value] as string[] | Buffer[] }),
  });

export const member = (operation: 'add' | 'delete', attribute: string, value: string): Change =>
  new Change({ operation, modification: new Attribute({ type: attribute, values: [value] }) });

/** The extra attributes of a body as the directory keeps them. @throws BadRequest for one that it has no place for */
export function extraValues(
  extra: Readonly<Record<string, unknown>>,
  attributeOf: (name: string) => string | undefined,
  ignored: ReadonlySet<string>,
): { attribute: string; value: string | null }[] {
  return Object.entries(extra).flatMap(([name, value]) => {
    if (ignored.has(name) || name === 'links') return [];
    const attribute = attributeOf(name);
    if (attribute === undefined) {
      if (value === null || value === '') return [];
      // Whatever is sent would otherwise become an attribute of that name: objectClass, sshPublicKey.
      throw new BadRequest(`The directory of this domain has no place for '${name}'.`);
    }
    if (value !== null && typeof value !== 'string') throw new BadRequest(`'${name}' must be a text.`);
    return [{ attribute, value: value === '' ? null : value }];
  });
}

/** Does a write; what the server refuses becomes what the API says of it. */
export async function writing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (isCode(error, 'alreadyExists')) {
      throw new Conflict(`Conflict occurred attempting to store ${what} - Duplicate ID.`, { cause: error });
    }
    if (isCode(error, 'insufficientAccess', 'unwillingToPerform')) {
      throw new Forbidden(`The directory of this domain refuses to change the ${what}.`, { cause: error });
    }
    throw new BadRequest(`The directory of this domain cannot keep the ${what} like this.`, { cause: error });
  }
}
