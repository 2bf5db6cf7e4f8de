import { randomUUID } from 'node:crypto';
import { type TSchema, Type } from 'typebox';
import { BadRequest, Forbidden, MethodNotAllowed, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { type Validator, validator } from '../../../platform/http/validation.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import type { ImageRow } from '../model/image.ts';
import { assertLimits } from '../model/limits.ts';
import { newImage } from '../model/new-image.ts';
import { mayFetch } from '../model/uri-filter.ts';
import type { TaskRow } from '../store/tables.ts';
import type { TaskList } from '../store/tasks.ts';
import { beginImport } from './begin-import.ts';
import type { ImageService } from './image-service.ts';
import { isoTime } from './image-view.ts';
import { assertImage, isReserved } from './json-patch.ts';

const statuses = ['pending', 'processing', 'success', 'failure'];
const sortKeys = ['created_at', 'updated_at', 'id', 'status', 'type'] as const;
const mostListed = 1000;
const defaultLimit = 25;

const text = (description: string) => ({ type: 'string', description });
const properties = {
  id: {
    ...text('What the task is called by'),
    pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
  },
  type: { ...text('What kind of work it is'), enum: ['import', 'api_image_import', 'location_import'] },
  status: { ...text('Where it is on its way'), enum: statuses },
  input: { type: ['null', 'object'], description: 'What was asked for' },
  result: { type: ['null', 'object'], description: 'What came of it' },
  owner: text('The project whose task it is'),
  message: text('Why it failed'),
  image_id: text('The image that it is about'),
  request_id: text('The request that asked for it'),
  user_id: text('Who asked for it'),
  expires_at: { type: ['null', 'string'], description: 'When it is forgotten' },
  created_at: text('When it was asked for'),
  updated_at: text('When it last changed'),
  self: { readOnly: true, type: 'string' },
  schema: { readOnly: true, type: 'string' },
};
const taskBody: TSchema = Type.Unsafe({
  type: 'object',
  // A type of another kind is none of those there are.
  properties: { ...properties, type: { enum: properties.type.enum } },
  additionalProperties: false,
});
let check: Validator | undefined;
const { input: _input, result: _result, message: _message, ...partial } = properties;
const documents: Record<string, object> = {
  task: { name: 'task', properties },
  tasks: {
    name: 'tasks',
    properties: {
      tasks: { type: 'array', items: { name: 'task', properties: partial } },
      schema: { type: 'string' },
    },
    links: [{ rel: 'describedby', href: '{schema}' }],
  },
};

const briefView = (task: TaskRow) => ({
  id: task.id,
  type: task.type,
  status: task.status,
  owner: task.owner,
  ...(task.image_id ? { image_id: task.image_id } : {}),
  ...(task.request_id ? { request_id: task.request_id } : {}),
  ...(task.user_id ? { user_id: task.user_id } : {}),
  ...(task.expires_at ? { expires_at: isoTime(task.expires_at) } : {}),
  created_at: isoTime(task.created_at),
  updated_at: isoTime(task.updated_at),
  self: `/v2/tasks/${task.id}`,
  schema: '/v2/schemas/task',
});
const fullView = (task: TaskRow) => ({
  ...briefView(task),
  input: task.input,
  result: task.result,
  message: task.message,
});

/** Tasks, for administrators; those of one image, for those who may see it. */
export function taskRoutes(service: ImageService): Route[] {
  const { access, images, settings, store, stores, tasks } = service;

  async function list(call: Call) {
    const { limit, markerId, ...query } = readQuery(call);
    const after = markerId === undefined ? undefined : await tasks.get(markerId);
    if (markerId !== undefined && !after) throw new BadRequest(`Task ${markerId} could not be found`);
    const found = limit === 0 ? [] : await tasks.list({ ...query, limit, ...(after ? { after } : {}) });
    const params = new URLSearchParams();
    for (const name of Object.keys(call.query))
      if (name !== 'marker') for (const value of call.queryValues(name)) params.append(name, value);
    const first = params.size > 0 ? `/v2/tasks?${params}` : '/v2/tasks';
    const last = found.length === limit ? found.at(-1) : undefined;
    if (last) params.append('marker', last.id);
    return {
      tasks: found.map(briefView),
      first,
      ...(last ? { next: `/v2/tasks?${params}` } : {}),
      schema: '/v2/schemas/tasks',
    };
  }

  async function show(call: Call) {
    const id = call.params['id'] as string;
    const task = id.length <= 36 ? await tasks.get(id) : undefined;
    if (!task) throw new NotFound(`Could not find task ${id}`);
    return fullView(task);
  }

  /** The old way of importing: an image is made of what the task says, and filled from the web. */
  async function create(call: Call<unknown>) {
    const { from, given, custom, tags, body } = readTask(call.body);
    if (!mayFetch(from, settings))
      throw new BadRequest(`URI for legacy import task does not pass filtering: ${from}`);
    const owner = call.credentials.projectId ?? null;
    const image = newImage({ id: randomUUID(), ...given, owner }, custom, tags);
    assertLimits(image, settings);
    for (const kind of ['disk_format', 'container_format'] as const)
      if (!image.row[kind]) throw new BadRequest(`'${kind}' needs to be set before import`);
    const task = await store
      .transaction(async () => {
        await service.quotas.enforce(owner, 'image_count_total', 1);
        await images.insert(image);
        return beginImport(service, call.credentials, image, {
          taskId: randomUUID(),
          type: 'import',
          asked: body,
          method: 'web-download',
          uri: from,
          source: null,
          stores: [stores.default().name],
          mustSucceed: true,
        });
      })
      .catch((error: unknown) => {
        if (error instanceof UniqueViolation)
          throw new BadRequest(`Image ID ${image.row.id} already exists!`);
        throw error;
      });
    return answer(201, fullView(task), { location: `${call.origin}/v2/tasks/${task.id}` });
  }

  async function ofImage(call: Call) {
    const { image } = await access.see(call, call.params['id'] as string, 'The resource could not be found.');
    return { tasks: (await tasks.ofImage(image.row.id)).map(fullView) };
  }

  const policy = 'tasks_api_access';
  return [
    ...Object.entries(documents).map(([name, document]) =>
      route({
        method: 'GET',
        path: `/schemas/${name}`,
        summary: `Show the schema of ${name}`,
        handler: () => document,
      }),
    ),
    route({ method: 'GET', path: '/tasks', summary: 'List tasks', policy, handler: list }),
    route({ method: 'POST', path: '/tasks', summary: 'Create a task', policy, handler: create }),
    route({ method: 'GET', path: '/tasks/:id', summary: 'Show a task', policy, handler: show }),
    route({
      method: 'DELETE',
      path: '/tasks/:id',
      summary: 'Tasks are forgotten by themselves',
      policy,
      handler: () => {
        throw new MethodNotAllowed(['GET']);
      },
    }),
    route({ method: 'GET', path: '/images/:id/tasks', summary: "List an image's tasks", handler: ofImage }),
  ];
}

/** @throws BadRequest in glance's words */
function readQuery(call: Call): Omit<TaskList, 'after'> & { markerId: string | undefined } {
  const status = call.queryValue('status');
  const type = call.queryValue('type');
  if (status && !statuses.includes(status)) throw new BadRequest(`Invalid status value: ${status}`);
  if (type && type !== 'import') throw new BadRequest(`Invalid type value: ${type}`);
  const limit = call.queryValue('limit') ?? String(defaultLimit);
  if (!/^[-+]?\d{1,15}$/.test(limit)) throw new BadRequest('limit param must be an integer');
  if (Number(limit) < 0) throw new BadRequest('limit param must be positive');
  const key = call.queryValue('sort_key') ?? 'created_at';
  const column = sortKeys.find((each) => each === key);
  if (!column) throw new BadRequest(`Sort key supplied was not valid: ${key}`);
  const direction = call.queryValue('sort_dir') ?? 'desc';
  if (direction !== 'asc' && direction !== 'desc')
    throw new BadRequest(`Invalid sort direction: ${direction}`);
  const markerId = call.queryValue('marker');
  if (markerId && !/^[0-9a-f-]{36}$/i.test(markerId)) throw new BadRequest('Invalid marker format');
  return {
    ...(status ? { status } : {}),
    ...(type ? { type } : {}),
    limit: Math.min(Number(limit), mostListed),
    sort: { column, direction },
    markerId,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const settable = [
  'id',
  'name',
  'visibility',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'protected',
];

/** @throws BadRequest, Forbidden */
function readTask(body: unknown) {
  if (body === undefined) throw new BadRequest('Body expected in request.');
  if (!isObject(body)) throw new BadRequest("Task 'type' is required");
  for (const name of ['type', 'input'])
    if (body[name] === undefined) throw new BadRequest(`Task '${name}' is required`);
  const { type, input } = body;
  check ??= validator(taskBody);
  const problem = check(body);
  if (problem) throw new BadRequest(`Provided object does not match schema 'task': ${problem.message}`);
  // The other kinds are what images' own imports and locations make.
  if (type !== 'import') throw new BadRequest(`Provided type of task is unsupported: ${String(type)}`);
  if (!isObject(input)) throw new BadRequest('Invalid location: None');
  for (const name of ['import_from', 'import_from_format', 'image_properties'])
    if (input[name] === undefined) throw new BadRequest(`Input does not contain '${name}' field`);
  const { import_from: from, image_properties: said } = input;
  if (typeof from !== 'string') throw new BadRequest('Invalid location: import_from must be a text');
  if (/^(file|filesystem):/.test(from))
    throw new BadRequest('File based imports are not allowed. Please use a non-local source of image data.');
  if (!isObject(said)) throw new BadRequest('image_properties must be an object');
  assertImage(said);
  const given: Partial<ImageRow> = {};
  const custom: Record<string, string> = {};
  for (const [name, value] of Object.entries(said)) {
    if (settable.includes(name)) Object.assign(given, { [name]: value });
    else if (name === 'tags' || value === null) continue;
    else if (isReserved(name) || typeof value !== 'string')
      throw new Forbidden(`Attribute '${name}' is reserved.`);
    else custom[name] = value;
  }
  return { from, given, custom, tags: (said['tags'] as string[] | undefined) ?? [], body: input };
}
