import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { NotFound } from '../../../errors/errors.ts';
import { type Answered, admin, type Caller, stranger } from '../../../service/testing/world.ts';
import type { Verb } from '../../resource.ts';
import type { View } from '../../style.ts';
import { type Subject, said } from '../subject.ts';
import type { Check } from './case.ts';

/** Who has a token and nothing else. */
const nobody: Caller = { roles: [], projectId: '0'.repeat(32), userId: '01'.repeat(16) };
/** Who may look at everything in the project of those who make things, and touch nothing. */
const onlooker: Caller = { ...admin, roles: ['reader'], userId: '02'.repeat(16) };

/** A request for each verb, well formed. */
export async function asking(
  subject: Subject,
  verb: Verb,
  id: unknown,
  as: Caller | null,
): Promise<Answered> {
  const { path, resource } = subject;
  switch (verb) {
    case 'list':
      return subject.ask('GET', path, { as });
    case 'show':
      return subject.ask('GET', subject.item(id), { as });
    case 'create':
      return subject.ask('POST', path, { as, body: subject.wrap(await subject.body()) });
    case 'update':
      return subject.ask(resource.style.updateMethod, subject.item(id), {
        as,
        body: subject.wrap(await anyChange(subject)),
      });
    case 'delete':
      return subject.ask('DELETE', subject.item(id), { as });
  }
}

async function anyChange(subject: Subject): Promise<object> {
  const [first] = subject.tried('update');
  return first ? { [first[0]]: await subject.value(first[0], 'update') } : {};
}

const changing: readonly Verb[] = ['create', 'update', 'delete'];

/** Who may not: without a token, without a role, with a role elsewhere, with a role that only reads. */
export const accessChecks: Check = (subject) => {
  const { verbs, names } = subject.resource;
  const { open = [], openToMembers = [] } = subject.tests;
  const refusal = (verb: Verb, who: string, as: Caller) => ({
    says: `refuses ${verb} to ${who}`,
    async run() {
      const id = await subject.something();
      const answered = await asking(subject, verb, id, as);
      if (verb === 'list' && answered.status === 200) {
        // A list may be open to all where it holds only what is the caller's.
        const ids = (answered.body[names.many] as View[]).map((each) => each[subject.key]);
        assert.ok(!ids.includes(id), `${who} sees what is not theirs`);
        return;
      }
      assert.ok([403, 404].includes(answered.status), said(answered));
      if (subject.has('create') && subject.has('show')) await subject.show(id);
    },
  });
  return [
    ...verbs.map((verb) => ({
      says: `refuses ${verb} without a token`,
      async run() {
        const answered = await asking(subject, verb, randomUUID(), null);
        assert.equal(answered.status, 401, said(answered));
        assert.match(answered.headers.get('www-authenticate') ?? '', /^Keystone uri="http/);
      },
    })),
    ...verbs.filter((verb) => !open.includes(verb)).map((verb) => refusal(verb, 'who has no role', nobody)),
    ...verbs
      .filter((verb) => verb !== 'create' && ![...open, ...openToMembers].includes(verb))
      .map((verb) => refusal(verb, 'a member of another project', stranger)),
    ...verbs
      .filter((verb) => changing.includes(verb))
      .map((verb) => refusal(verb, 'who may only read', onlooker)),
    ...verbs
      .filter((verb) => verb !== 'list' && verb !== 'create')
      .map((verb) => ({
        says: `answers ${verb} of what is not there with 404, in its API's words`,
        async run() {
          const answered = await asking(subject, verb, randomUUID(), admin);
          assert.equal(answered.status, 404, said(answered));
          assert.deepEqual(outline(answered.body), outline(errorLike(subject)));
        },
      })),
  ];
};

/** An error's body as this API has them. */
const errorLike = ({ api, newest }: Subject): unknown =>
  api.errors.errorBody(new NotFound('thing', 'x'), {
    requestId: 'req-1',
    routed: true,
    accept: undefined,
    method: 'GET',
    ...(newest ? { version: 0 } : {}),
  }).body;

/** The names and types of an error's body, without its words. */
const outline = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, outline(each)]))
    : typeof value;
