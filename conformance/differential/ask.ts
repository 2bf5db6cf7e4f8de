import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudApi, record } from '../api.ts';
import type { Access } from '../cloud.ts';
import { type Case, casesOf } from './cases.ts';
import { maskedText, type RawAnswer } from './masks.ts';
import { bringPeople, type People } from './people.ts';
import type { Table } from './row.ts';

/** Masked answers by the title of the case. */
export type Answers = ReadonlyMap<string, string>;

/** Said where an id that the case needs was not given by an earlier answer. */
export const notAsked = 'not asked: ';

/** Asks a cloud everything that a table has, one after the other, and takes away the people that it needed for it. */
export async function askAll(access: Access, table: Table): Promise<Answers> {
  const api = await CloudApi.open(access);
  const people = await bringPeople(api);
  try {
    return await askCases(api, people, casesOf(table));
  } finally {
    await people.leave();
  }
}

/** Names too common in answers to be told from others: masked only where a table's row has kept them. */
const plain = new Set(['adminName', 'adminPassword', 'adminDomain']);

async function askCases(api: CloudApi, people: People, cases: readonly Case[]): Promise<Answers> {
  const { names } = people;
  const origins = new Map([[api.access.authUrl, '<identity>']]);
  for (const [type, url] of api.endpoints) {
    if (type !== 'identity') origins.set(url, `<${type}>`);
  }
  const answers = new Map<string, string>();
  for (const one of cases) {
    const lacking = unknownNames(one, names);
    if (lacking.length > 0) {
      answers.set(one.title, `${notAsked}${lacking.join(', ')}`);
      continue;
    }
    const answer = await patiently(one, () => send(api, people, one));
    for (const [name, from] of Object.entries(one.keep)) {
      const value = pick(answer, from);
      if (value !== undefined) names.set(name, value);
    }
    const known = new Map(
      // A number is no name: it stands in everything.
      [...names]
        .filter(([name, value]) => !plain.has(name) && !/^\d+$/.test(value))
        .map(([name, value]) => [value, `{${name}}`]),
    );
    answers.set(one.title, maskedText(answer, known, origins));
  }
  return answers;
}

// Not `{0}`: that is the mapping rules' own.
const placeholder = /\{#?([a-zA-Z]\w*)\}/g;

function fill(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(placeholder, (whole, name: string) => names.get(name) ?? whole);
}

function fillDeep(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    const [, number] = /^\{#(\w+)\}$/.exec(value) ?? [];
    return number === undefined ? fill(value, names) : Number(names.get(number));
  }
  if (Array.isArray(value)) return value.map((one) => fillDeep(one, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [fill(key, names), fillDeep(inner, names)]),
  );
}

function unknownNames({ path, body, headers }: Case, names: ReadonlyMap<string, string>): string[] {
  const wanted = `${path}${JSON.stringify(headers)}${JSON.stringify(body) ?? ''}`;
  return [...new Set([...wanted.matchAll(placeholder)].map(([, name = '']) => name))].filter(
    (name) => !names.has(name),
  );
}

function send(api: CloudApi, { tokens, names }: People, one: Case): Promise<RawAnswer> {
  const origin = one.service === 'identity' ? api.access.authUrl : api.endpoint(one.service);
  const token = one.who === 'nobody' ? undefined : tokens.get(one.who);
  const text = one.body === undefined ? one.text : JSON.stringify(fillDeep(one.body, names));
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...(token === undefined ? {} : { 'x-auth-token': token }),
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    ...Object.fromEntries(
      Object.entries(one.headers).map(([name, value]) => [name.toLowerCase(), fill(value, names)]),
    ),
  };
  if (text !== undefined) headers['content-length'] = String(Buffer.byteLength(text));
  return new Promise((resolve, reject) => {
    const url = new URL(origin);
    const path = `${url.pathname.replace(/\/$/, '')}${fill(one.path, names)}`;
    const sent = request(
      {
        host: url.hostname,
        port: url.port,
        path,
        method: one.method,
        headers,
        agent: false,
        timeout: 60_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: new Map(
              Object.entries(response.headersDistinct).map(([name, values]) => [
                name,
                (values ?? []).join(', '),
              ]),
            ),
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${one.title}: no answer in a minute`)));
    sent.on('error', (error) => {
      // A worker that dies of a request closes the connection: that is what it answered.
      if ('code' in error && error.code === 'ECONNRESET')
        resolve({ status: 0, headers: new Map(), text: 'the connection was closed' });
      else reject(new Error(`${one.title}: ${error.message}`, { cause: error }));
    });
    sent.end(text);
  });
}

/** Asks until the answer is as the row wants it, for at most half a minute. */
async function patiently(one: Case, ask: () => Promise<RawAnswer>): Promise<RawAnswer> {
  const began = Date.now();
  for (;;) {
    const answer = await ask();
    if (!one.until || one.until.test(answer.text) || Date.now() - began > 30_000) return answer;
    await pause(200);
  }
}

function pick({ headers, text }: RawAnswer, from: string): string | undefined {
  if (from.startsWith('header:')) return headers.get(from.slice('header:'.length));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // OAuth answers in a form's encoding.
    return new URLSearchParams(text).get(from) ?? undefined;
  }
  for (const key of from.split('.')) value = record(value)[key];
  return value === undefined || value === null ? undefined : String(value);
}
