import { type AddressInfo, createServer, type Socket } from 'node:net';
import { BerWriter } from 'ldapts';

/** An entry: attributes by their names, in small letters, with their values. */
export type DirectoryEntry = { dn: string } & Record<string, string | readonly string[]>;

const inChain = '1.2.840.113556.1.4.1941';
const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/**
 * As much of Active Directory as OpenLDAP does not have: values of an attribute come in ranges (MS-ADTS 3.1.1.3.1.3.3),
 * and a rule follows groups in groups. It speaks the protocol, and decodes filters from the wire.
 *
 * @param entries where `memberof` follows from `member`
 * @param atOnce values of an attribute at most in one answer
 */
export async function startActiveDirectory(entries: readonly DirectoryEntry[], atOnce = 1500) {
  const asked: { base: string; filter: string; attributes: string[] }[] = [];
  const binds: string[] = [];
  /** What answers a search instead, where a test wants a server that is not right. */
  let oddly: ((attributes: readonly string[]) => DirectoryEntry[]) | undefined;

  const valuesOf = (entry: DirectoryEntry, attribute: string): string[] => {
    const name = attribute.toLowerCase();
    if (name === 'memberof')
      return entries.filter((each) => has(each, 'member', entry.dn)).map(({ dn }) => dn);
    return [entry[name] ?? []].flat();
  };
  const has = (entry: DirectoryEntry, attribute: string, value: string): boolean =>
    [entry[attribute] ?? []].flat().some((each) => same(each, value));
  /** Whether `value` is reached from the entry by one attribute, over any number of entries. */
  function chained(
    entry: DirectoryEntry,
    attribute: string,
    value: string,
    seen = new Set<string>(),
  ): boolean {
    if (seen.has(entry.dn)) return false;
    seen.add(entry.dn);
    return valuesOf(entry, attribute).some((each) => {
      const next = entries.find(({ dn }) => same(dn, each));
      return same(each, value) || (next !== undefined && chained(next, attribute, value, seen));
    });
  }
  function fits(entry: DirectoryEntry, filter: Filter): boolean {
    if ('of' in filter) {
      const all = filter.kind === 'and';
      return all ? filter.of.every((each) => fits(entry, each)) : filter.of.some((each) => fits(entry, each));
    }
    const { attribute, value, rule } = filter;
    if (rule === inChain) return chained(entry, attribute, value);
    const values = valuesOf(entry, attribute);
    if (rule !== undefined) return false;
    return filter.kind === 'present' ? values.length > 0 : values.some((each) => same(each, value));
  }
  function shown(entry: DirectoryEntry, attribute: string): [string, string[]][] {
    const [, name = attribute, from = '0'] = /^(.*);range=(\d+)-(?:\d+|\*)$/i.exec(attribute) ?? [];
    const all = valuesOf(entry, name);
    if (all.length <= atOnce && name === attribute) return [[name, all]];
    const first = Number(from);
    const some = all.slice(first, first + atOnce);
    const last = first + some.length >= all.length ? '*' : String(first + some.length - 1);
    return [[`${name};range=${first}-${last}`, some]];
  }

  function search(request: Element): Buffer[] {
    const [base, scope, , , , , filterPart, attributePart] = partsOf(request);
    const [dn, filter] = [text(base), filterOf(filterPart as Element)];
    const attributes = partsOf(attributePart as Element).map(text);
    asked.push({ base: dn, filter: written(filter), attributes });
    const isAsked = (each: string) =>
      scope?.value[0] === 0 ? same(each, dn) : each.toLowerCase().endsWith(`,${dn.toLowerCase()}`);
    const found = entries.filter((entry) => isAsked(entry.dn) && fits(entry, filter));
    const odd = oddly?.(attributes);
    return (odd ?? found).map((entry) =>
      entryMessage(
        entry.dn,
        odd
          ? Object.entries(entry).flatMap(([name, values]) =>
              name === 'dn' ? [] : [[name, [values].flat()]],
            )
          : attributes.flatMap((each) => shown(entry, each)),
      ),
    );
  }

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let next = elementIn(buffer); next; next = elementIn(buffer)) {
        buffer = next.rest;
        const [id, operation] = partsOf(next);
        if (!id || !operation) continue;
        const answer = (body: Buffer) => socket.write(message(id.value.readUIntBE(0, id.value.length), body));
        if (operation.tag === 0x60) {
          const [, name, password] = partsOf(operation);
          const dn = text(name);
          binds.push(dn);
          // Whoever has an entry has the same password.
          const known = entries.some((each) => same(each.dn, dn)) && text(password) === 'secret';
          answer(result(0x61, dn === '' || known ? 0 : 49));
        } else if (operation.tag === 0x63) {
          for (const each of search(operation)) answer(each);
          answer(result(0x65, 0));
        } else socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    binds,
    answerOddly: (by: typeof oddly) => {
      oddly = by;
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const each of sockets) each.destroy();
      }),
  };
}

/** A part of a message, as BER has it (X.690). */
interface Element {
  tag: number;
  value: Buffer;
  rest: Buffer;
}

/** The first element; undefined where it is not whole yet. */
function elementIn(bytes: Buffer): Element | undefined {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined) return undefined;
  const longs = short < 0x80 ? 0 : short & 0x7f;
  if (bytes.length < 2 + longs) return undefined;
  const start = 2 + longs;
  const end = start + (longs === 0 ? short : bytes.readUIntBE(2, longs));
  if (bytes.length < end) return undefined;
  return { tag, value: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

function partsOf({ value }: Element): Element[] {
  const parts: Element[] = [];
  for (let next = elementIn(value); next; next = elementIn(next.rest)) parts.push(next);
  return parts;
}

const text = (element: Element | undefined): string => element?.value.toString('utf8') ?? '';

type Filter =
  | { kind: 'and' | 'or'; of: Filter[] }
  | { kind: 'equal' | 'present'; attribute: string; value: string; rule?: string };

/** @see RFC 4511, 4.5.1 */
function filterOf(element: Element): Filter {
  const { tag } = element;
  if (tag === 0xa0 || tag === 0xa1)
    return { kind: tag === 0xa0 ? 'and' : 'or', of: partsOf(element).map(filterOf) };
  if (tag === 0x87) return { kind: 'present', attribute: text(element), value: '' };
  const parts = partsOf(element);
  if (tag === 0xa3) return { kind: 'equal', attribute: text(parts[0]), value: text(parts[1]) };
  if (tag !== 0xa9) throw new Error(`no such filter: ${tag}`);
  const part = (wanted: number) => text(parts.find((each) => each.tag === wanted));
  return { kind: 'equal', attribute: part(0x82), value: part(0x83), rule: part(0x81) };
}

function written(filter: Filter): string {
  if ('of' in filter) return `(${filter.kind === 'and' ? '&' : '|'}${filter.of.map(written).join('')})`;
  const { kind, attribute, value, rule } = filter;
  return `(${attribute}${rule ? `:${rule}:` : ''}=${kind === 'present' ? '*' : value})`;
}

function message(id: number, operation: Buffer): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  const head = Buffer.from(operation);
  for (const byte of head) writer.writeByte(byte);
  writer.endSequence();
  return writer.buffer;
}

function result(tag: number, code: number): Buffer {
  const writer = new BerWriter();
  writer.startSequence(tag);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString('');
  writer.endSequence();
  return writer.buffer;
}

function entryMessage(dn: string, attributes: (readonly [string, string[]])[]): Buffer {
  const writer = new BerWriter();
  writer.startSequence(0x64);
  writer.writeString(dn);
  writer.startSequence();
  for (const [name, values] of attributes) {
    writer.startSequence();
    writer.writeString(name);
    writer.startSequence(0x31);
    for (const value of values) writer.writeString(value);
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}
