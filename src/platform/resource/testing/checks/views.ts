import assert from 'node:assert/strict';
import type { View } from '../../style.ts';
import { type Subject, said } from '../subject.ts';
import type { Case, Check } from './case.ts';

/** @throws AssertionError unless a view has what is described, and nothing else */
function assertDescribed(subject: Subject, view: View, at: string | undefined): void {
  const { sometimes = [], adds = [] } = subject.tests;
  const visible = [...subject.visibleAt(at), ...adds];
  const wanted = visible.filter((name) => !sometimes.includes(name)).toSorted();
  const seen = Object.keys(view)
    .filter((name) => !(sometimes.includes(name) && visible.includes(name)))
    .toSorted();
  assert.deepEqual(seen, wanted);
}

const views = (subject: Subject): Case[] =>
  [...new Set([subject.oldest, subject.newest])].map((at) => ({
    says: `is created and shown with exactly what is described${at ? ` in ${at}` : ''}`,
    async run() {
      const made = await subject.make({}, { at });
      assertDescribed(subject, made, at);
      if (subject.has('show')) assert.deepEqual(await subject.show(made[subject.key], { at }), made);
      if (!subject.has('list')) return;
      const listed = await subject.list('', { at });
      assert.deepEqual(
        listed.find((each) => each[subject.key] === made[subject.key]),
        made,
      );
    },
  }));

/** What a create that does not say an attribute means. */
const defaults = (subject: Subject): Case[] => {
  const known = subject
    .settable('create')
    .filter(
      ([name, { create, hidden, from, default: value }]) =>
        create === 'optional' &&
        !hidden &&
        !from &&
        value !== undefined &&
        typeof value !== 'function' &&
        !subject.tests.sometimes?.includes(name) &&
        !subject.tests.always?.includes(name),
    );
  if (known.length === 0) return [];
  return [
    {
      says: 'is created with its defaults',
      async run() {
        const made = await subject.make();
        const wanted = Object.fromEntries(known.map(([name, attribute]) => [name, attribute.default]));
        const seen = Object.fromEntries(known.map(([name]) => [name, made[name]]));
        assert.deepEqual(seen, wanted);
      },
    },
  ];
};

/** @throws AssertionError unless an attribute that is shown shows what was given */
function assertShown(subject: Subject, view: View, name: string, value: unknown): void {
  if (subject.resource.attributes[name]?.hidden) return assert.ok(!(name in view), `${name} is shown`);
  if (subject.tests.sometimes?.includes(name)) return;
  assert.deepEqual(view[name], value, name);
}

const creates = (subject: Subject): Case[] =>
  subject.tried('create').map(([name]) => ({
    says: `is created with the ${name} that is given`,
    async run() {
      const value = await subject.value(name, 'create');
      const beside = await subject.tests.beside?.[name]?.();
      const made = await subject.make({ ...beside, [name]: value });
      assertShown(subject, made, name, value);
      if (subject.has('show')) assertShown(subject, await subject.show(made[subject.key]), name, value);
    },
  }));

const updates = (subject: Subject): Case[] => {
  const method = subject.resource.style.updateMethod;
  return subject.tried('update').map(([name]) => ({
    says: `changes its ${name}, and nothing else`,
    async run() {
      const made = subject.has('create')
        ? await subject.make(await subject.tests.beside?.[name]?.())
        : await subject.show(await subject.something());
      const path = subject.item(made[subject.key]);
      const value = await subject.value(name, 'update', made);
      const answered = await subject.ask(method, path, { body: subject.wrap({ [name]: value }) });
      assert.equal(answered.status, subject.resource.status.update, said(answered));
      const after = answered.body[subject.resource.names.one] as View;
      assertShown(subject, after, name, value);
      if (subject.has('show')) assert.deepEqual(await subject.show(made[subject.key]), after);
      const moving = new Set([name, 'updated_at', 'revision_number', ...(subject.tests.touches ?? [])]);
      for (const [other, before] of Object.entries(made)) {
        if (!moving.has(other)) assert.deepEqual(after[other], before, `${other} was changed too`);
      }
    },
  }));
};

const deletes = (subject: Subject): Case[] => [
  {
    says: 'is gone when it is deleted',
    async run() {
      const { [subject.key]: id } = await subject.make();
      const answered = await subject.remove(id);
      assert.equal(answered.status, subject.resource.status.delete, said(answered));
      if (subject.has('show')) assert.equal((await subject.ask('GET', subject.item(id))).status, 404);
      assert.equal((await subject.ask('DELETE', subject.item(id))).status, 404);
      if (!subject.has('list')) return;
      assert.ok(!(await subject.list()).some((each) => each[subject.key] === id));
    },
  },
];

const bulk = (subject: Subject): Case[] => {
  const { many, one } = subject.resource.names;
  return [
    {
      says: 'is created many at once, all or none',
      async run() {
        const two = { [many]: [await subject.body(), await subject.body()] };
        const both = await subject.ask('POST', subject.path, { body: two });
        assert.equal(both.status, subject.resource.status.create, said(both));
        for (const each of both.body[many] as View[]) subject.made({ ...both, body: { [one]: each } });
        const before = (await subject.list()).length;
        const bad = { [many]: [await subject.body(), { no_such: 1 }] };
        const none = await subject.ask('POST', subject.path, { body: bad });
        assert.equal(none.status, 400, said(none));
        assert.equal((await subject.list()).length, before);
      },
    },
  ];
};

/** What is created, shown, changed and deleted. */
export const viewChecks: Check = (subject) =>
  subject.has('create')
    ? [
        ...views(subject),
        ...defaults(subject),
        ...creates(subject),
        ...(subject.resource.style.bulk && subject.has('list') ? bulk(subject) : []),
        ...(subject.has('update') ? updates(subject) : []),
        ...(subject.has('delete') ? deletes(subject) : []),
      ]
    : subject.has('update') && subject.has('show') && subject.tests.existing
      ? updates(subject)
      : [];
