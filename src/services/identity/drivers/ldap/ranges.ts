import { PresenceFilter } from 'ldapts';
import { toFound } from './entries.ts';
import { LdapUnavailable } from './errors.ts';
import type { LdapServer } from './server.ts';

/**
 * All values of an attribute of an entry. Active Directory tells of 1,500 at a time, and by the attribute's name which
 * they are: `member;range=0-1499`, at last `member;range=3000-*` (MS-ADTS 3.1.1.3.1.3.3).
 *
 * @throws LdapUnavailable for a server whose ranges do not follow each other: what is missing would be nobody
 */
export async function allValues(
  server: LdapServer,
  dn: string,
  attribute: string,
): Promise<readonly string[]> {
  const all: string[] = [];
  for (let asked = attribute; ; asked = `${attribute};range=${all.length}-*`) {
    const [entry] = await server.search({
      base: dn,
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: [asked],
    });
    if (!entry) return all;
    const found = toFound(entry);
    const part = Object.keys(entry)
      .map(rangeOf)
      .find((each) => each?.attribute === attribute.toLowerCase());
    if (!part) return all.length === 0 ? found.values(attribute) : all;
    if (part.from !== all.length) throw disorder();
    for (const value of found.values(part.name)) all.push(value);
    if (part.to === '*') return all;
    if (Number(part.to) + 1 !== all.length || all.length === part.from) throw disorder();
  }
}

function rangeOf(name: string): { name: string; attribute: string; from: number; to: string } | undefined {
  const [, attribute = '', from = '', to = ''] = /^([^;]+);range=(\d+)-(\d+|\*)$/i.exec(name) ?? [];
  return attribute === '' ? undefined : { name, attribute: attribute.toLowerCase(), from: Number(from), to };
}

const disorder = (): LdapUnavailable =>
  new LdapUnavailable(new Error('the ranges of an attribute do not follow each other'));
