import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Api } from '../../http/api.ts';
import { formatMicroversion, microversion } from '../../microversion/microversion.ts';
import { type Answered, admin, type Caller, type World } from '../../service/testing/world.ts';
import { type Attribute, existsAt } from '../attribute.ts';
import type { DescribedResource } from '../described.ts';
import type { Verb } from '../resource.ts';
import type { View } from '../style.ts';
import { sample } from './values.ts';

/** A sample's value, for a create or for the update of what is shown. */
export type Sample = (about: { verb: 'create' | 'update'; shown?: View }) => unknown;

/** What the tests of one resource cannot know from its description. */
export interface ResourceTests {
  /** Why its tests are left out; the resource has others then. */
  leftOut?: string;
  /** Values of attributes whose schema does not say all. */
  samples?: Record<string, Sample>;
  /** The id of one that is there, of what no request creates. */
  existing?: () => Promise<string>;
  /** Attributes that every create here says, though not every create must. */
  always?: readonly string[];
  /** What a create must say beside an attribute, for it to be allowed; `undefined` takes away. */
  beside?: Record<string, () => object | Promise<object>>;
  /** Attributes that are not tried with values of their own, and why. */
  untried?: Record<string, string>;
  /** Verbs that everybody with a token may do. */
  open?: readonly Verb[];
  /** Verbs that everybody with a role may do to what belongs to others. */
  openToMembers?: readonly Verb[];
  /** Attributes that are shown only now and then. */
  sometimes?: readonly string[];
  /** What views hold beside what is described. */
  adds?: readonly string[];
  /** What must be changed before it can be deleted. */
  beforeDelete?: object;
  /** What an update changes beside what it says. */
  touches?: readonly string[];
}

export interface Asked {
  as?: Caller | null;
  body?: unknown;
  /** The microversion; default is the newest. */
  at?: string | undefined;
}

/** One described resource under test: words for what all of its tests do. */
export class Subject {
  readonly world: World;
  readonly service: string;
  readonly api: Api;
  readonly resource: DescribedResource;
  readonly tests: ResourceTests;
  /** The attribute that the item's path is made of. */
  readonly key: string;
  readonly newest: string | undefined;
  readonly oldest: string | undefined;
  #made: unknown[] = [];

  constructor(world: World, service: string, resource: DescribedResource, tests: ResourceTests) {
    const api = world.apis.get(service);
    assert.ok(api, `no service '${service}' is in this world`);
    this.world = world;
    this.service = service;
    this.api = api;
    this.resource = resource;
    this.tests = tests;
    this.key = resource.key;
    const { microversions } = api;
    this.newest = microversions && (resource.until ?? microversions.max);
    this.oldest = microversions && later(resource.since ?? microversions.min, microversions.min);
  }

  has(verb: Verb): boolean {
    return this.resource.verbs.includes(verb);
  }

  ask(method: string, path: string, { as = admin, body, at = this.newest }: Asked = {}): Promise<Answered> {
    const word = this.api.microversions?.service;
    return this.world.request(this.service, method, path, {
      ...(as ? { as } : {}),
      body,
      headers: at && word ? { 'openstack-api-version': `${word} ${at}` } : {},
    });
  }

  get path(): string {
    return this.resource.names.path;
  }
  /** The list that shows whole views. */
  get listPath(): string {
    return this.resource.detailed ? `${this.path}/detail` : this.path;
  }
  item(id: unknown): string {
    return `${this.path}/${encodeURIComponent(String(id))}`;
  }
  wrap(body: unknown): object {
    return { [this.resource.names.one]: body };
  }

  /** The attributes that a request may give at the newest microversion. */
  settable(verb: 'create' | 'update'): [string, Attribute][] {
    return Object.entries(this.resource.attributes).filter(
      ([, attribute]) => (verb === 'create' ? attribute.create : attribute.update) && !this.#gone(attribute),
    );
  }
  /** Those of them that are tried with values of their own. */
  tried(verb: 'create' | 'update'): [string, Attribute][] {
    return this.settable(verb).filter(([name]) => !this.tests.untried?.[name]);
  }
  #gone(attribute: Attribute): boolean {
    return this.newest !== undefined && !existsAt(attribute, microversion(this.newest));
  }

  /** A value for an attribute; for an update another one than is shown. */
  async value(name: string, verb: 'create' | 'update', shown?: View): Promise<unknown> {
    const own = this.tests.samples?.[name];
    if (own) return own({ verb, ...(shown ? { shown } : {}) });
    const { schema } = this.resource.attributes[name] as Attribute;
    return sample(schema, shown?.[name]);
  }

  /** What a create must say, and what is given. */
  async body(given: object = {}): Promise<Record<string, unknown>> {
    const body: Record<string, unknown> = {};
    for (const [name, { create }] of this.settable('create')) {
      if ((create !== 'required' && !this.tests.always?.includes(name)) || name in given) continue;
      body[name] = await this.value(name, 'create');
    }
    return { ...body, ...given };
  }

  /** Creates one, and gives it as the answer shows it; `tidy` removes it. */
  async make(given: object = {}, asked: Asked = {}): Promise<View> {
    const answered = await this.ask('POST', this.path, {
      ...asked,
      body: this.wrap(await this.body(given)),
    });
    return this.made(answered);
  }

  /** What a create's answer shows. @throws AssertionError unless it was created */
  made(answered: Answered): View {
    assert.equal(answered.status, this.resource.status.create, said(answered));
    const view = answered.body?.[this.resource.names.one] as View | undefined;
    assert.ok(view, `no '${this.resource.names.one}' in ${said(answered)}`);
    this.#made.push(view[this.key]);
    return view;
  }

  /** One to do things to: made where that is possible, else the one that is there, if any. */
  async something(): Promise<unknown> {
    if (this.has('create')) return (await this.make())[this.key];
    return this.tests.existing?.() ?? randomUUID();
  }

  async show(id: unknown, asked: Asked = {}): Promise<View> {
    const answered = await this.ask('GET', this.item(id), asked);
    assert.equal(answered.status, 200, said(answered));
    return answered.body[this.resource.names.one] as View;
  }

  async list(query = '', asked: Asked = {}): Promise<View[]> {
    const answered = await this.ask('GET', `${this.listPath}${query}`, asked);
    assert.equal(answered.status, 200, `${query}: ${said(answered)}`);
    return answered.body[this.resource.names.many] as View[];
  }

  async remove(id: unknown): Promise<Answered> {
    if (this.tests.beforeDelete) {
      const body = this.wrap(this.tests.beforeDelete);
      await this.ask(this.resource.style.updateMethod, this.item(id), { body });
    }
    return this.ask('DELETE', this.item(id));
  }

  /** Removes what a test has left. */
  async tidy(): Promise<void> {
    for (const id of this.#made.splice(0).reverse()) {
      if (this.has('delete')) await this.remove(id);
    }
  }

  /** The attributes that an administrator sees at a microversion. */
  visibleAt(at: string | undefined): string[] {
    const version = at === undefined ? 0 : microversion(at);
    return Object.entries(this.resource.attributes).flatMap(([name, attribute]) =>
      !attribute.hidden && existsAt(attribute, version) ? [name] : [],
    );
  }
}

/** An answer, for the message of a test that fails. */
export const said = ({ status, body }: Answered): string => `${status} ${JSON.stringify(body)}`.slice(0, 500);

/** The microversion before this one. */
export const versionBefore = (text: string): string => formatMicroversion(microversion(text) - 1);

const later = (one: string, other: string): string => (microversion(one) > microversion(other) ? one : other);
