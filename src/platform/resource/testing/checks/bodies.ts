import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Answered } from '../../../service/testing/world.ts';
import type { Attribute } from '../../attribute.ts';
import { type Subject, said, versionBefore } from '../subject.ts';
import { beyond, fitting, oddValues } from '../values.ts';
import type { Case, Check } from './case.ts';

type Writing = 'create' | 'update';

/** Sends a body to a verb; for an update, to something that is there. */
async function writer(
  subject: Subject,
  verb: Writing,
): Promise<(body: unknown, at?: string) => Promise<Answered>> {
  if (verb === 'create') return (body, at) => subject.ask('POST', subject.path, { body, at });
  const id = await subject.something();
  return (body, at) => subject.ask(subject.resource.style.updateMethod, subject.item(id), { body, at });
}

const refused = (answered: Answered, what: string) =>
  assert.equal(answered.status, 400, `${what}: ${said(answered)}`);

/** What is no body, or not this resource's. */
const shapes = (subject: Subject, verb: Writing): Case[] => [
  {
    says: `refuses to ${verb} from what is no JSON`,
    async run() {
      const write = await writer(subject, verb);
      for (const text of ['{', '{"a":}', 'not json', '\u0000']) refused(await write(text), text);
    },
  },
  {
    says: `refuses to ${verb} from a body that is not wrapped in '${subject.resource.names.one}'`,
    async run() {
      const write = await writer(subject, verb);
      const bare = await subject.body();
      const { one } = subject.resource.names;
      for (const body of [{}, [], 'null', '""', bare, { thing: bare }]) {
        refused(await write(body), JSON.stringify(body));
      }
      for (const inner of [null, 'text', 7, [], [bare]]) {
        refused(await write({ [one]: inner }), JSON.stringify(inner));
      }
    },
  },
  {
    says: `${subject.resource.style.unknownProperties === 'refuse' ? 'refuses' : 'keeps'} what it does not know when asked to ${verb}`,
    async run() {
      const write = await writer(subject, verb);
      const given = verb === 'create' ? await subject.body({ no_such: 'x' }) : { no_such: 'x' };
      const answered = await write(subject.wrap(given));
      if (subject.resource.style.unknownProperties === 'refuse') return refused(answered, 'no_such');
      const view = verb === 'create' ? subject.made(answered) : answered.body[subject.resource.names.one];
      assert.equal(view.no_such, 'x', said(answered));
    },
  },
  {
    says: `never fails to answer when asked to ${verb} from anything`,
    async run() {
      const write = await writer(subject, verb);
      const names = subject.settable(verb).map(([name]) => name);
      if (names.length === 0) return;
      const value = fc.jsonValue({ maxDepth: 3 });
      const bodies = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 });
      await fc.assert(
        fc.asyncProperty(bodies, async (odd) => {
          const answered = await write(subject.wrap(verb === 'create' ? await subject.body(odd) : odd));
          assert.ok(answered.status < 500, said(answered));
          if (verb === 'create' && answered.status === subject.resource.status.create) subject.made(answered);
        }),
        { numRuns: 30, seed: 7, endOnFailure: true },
      );
    },
  },
];

/** What does not fit an attribute. */
const misfits = (subject: Subject, verb: Writing, name: string, attribute: Attribute): Case[] => {
  const fits = fitting(attribute);
  const full = async (value: unknown) =>
    subject.wrap(verb === 'create' ? await subject.body({ [name]: value }) : { [name]: value });
  return [
    {
      says: `refuses to ${verb} with ${name} of another type`,
      async run() {
        const write = await writer(subject, verb);
        for (const odd of oddValues) {
          const answered = await write(await full(odd));
          const shown = `${name} = ${JSON.stringify(odd)}`;
          if (!fits(odd)) refused(answered, shown);
          // A value that fits may still be refused by a rule, but it never breaks the service.
          else assert.ok(answered.status < 500, `${shown}: ${said(answered)}`);
          if (verb === 'create' && answered.status === subject.resource.status.create) {
            subject.made(answered);
            await subject.tidy();
          }
        }
      },
    },
    ...(beyond(attribute.schema).length === 0
      ? []
      : [
          {
            says: `refuses to ${verb} with ${name} beyond its limits`,
            async run() {
              const write = await writer(subject, verb);
              for (const much of beyond(attribute.schema)) {
                // What another form of the attribute allows is not beyond it.
                if (fits(much) && typeof much !== 'string') continue;
                refused(await write(await full(much)), `${name} = ${String(much).slice(0, 40)}`);
              }
            },
          },
        ]),
    ...sinceWhen(subject, verb, name, attribute),
  ];
};

/** An attribute is unknown to the microversions before its own. */
function sinceWhen(subject: Subject, verb: Writing, name: string, attribute: Attribute): Case[] {
  const since = (verb === 'create' ? attribute.createSince : attribute.updateSince) ?? attribute.since;
  if (!since || since === subject.oldest || subject.resource.style.unknownProperties === 'keep') return [];
  return [
    {
      says: `does not take ${name} to ${verb} before ${since}`,
      async run() {
        const write = await writer(subject, verb);
        const value = await subject.value(name, verb);
        const given = verb === 'create' ? await subject.body({ [name]: value }) : { [name]: value };
        refused(await write(subject.wrap(given), versionBefore(since)), name);
      },
    },
  ];
}

/** What a create must say. */
const missing = (subject: Subject): Case[] =>
  subject
    .settable('create')
    .filter(([, { create, convert }]) => create === 'required' && !convert?.(undefined))
    .map(([name]) => ({
      says: `refuses to create without ${name}`,
      async run() {
        const { [name]: _left, ...rest } = await subject.body();
        refused(await subject.ask('POST', subject.path, { body: subject.wrap(rest) }), name);
      },
    }));

/** What a request may not say. */
export const bodyChecks: Check = (subject) => [
  ...(subject.has('create') ? missing(subject) : []),
  ...(['create', 'update'] as const)
    .filter((verb) => subject.has(verb))
    .flatMap((verb) => [
      ...shapes(subject, verb),
      ...subject.settable(verb).flatMap(([name, attribute]) => misfits(subject, verb, name, attribute)),
    ]),
];
