import type { Access } from './cloud.ts';

/** JSON as an API answers it: looked at, never trusted. */
export type Json = Record<string, unknown>;

export interface Answer {
  status: number;
  body: Json;
}

/** An administrator's way into the cloud under test, by plain HTTP: no client library stands between. */
export class CloudApi {
  readonly access: Access;
  readonly #token: string;
  /** Public endpoint by service type. */
  readonly endpoints: ReadonlyMap<string, string>;
  readonly domainId: string;

  private constructor(
    access: Access,
    token: string,
    endpoints: ReadonlyMap<string, string>,
    domainId: string,
  ) {
    this.access = access;
    this.#token = token;
    this.endpoints = endpoints;
    this.domainId = domainId;
  }

  /** @throws Error when the cloud does not let the administrator in */
  static async open(access: Access): Promise<CloudApi> {
    const { username, password, userDomain, project, projectDomain } = access;
    const response = await fetch(`${access.authUrl}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: username, domain: { name: userDomain }, password } },
          },
          scope: { project: { name: project, domain: { name: projectDomain } } },
        },
      }),
      signal: AbortSignal.timeout(60_000),
    });
    const token = response.headers.get('x-subject-token');
    if (!token)
      throw new Error(`${access.authUrl} answered ${response.status} to the administrator's password`);
    const body = record(record(await response.json())['token']);
    const endpoints = new Map<string, string>();
    for (const service of list(body['catalog'])) {
      const found = list(service['endpoints']).find(
        (one) => one['interface'] === 'public' && (one['region_id'] ?? one['region']) === access.region,
      );
      if (found) endpoints.set(String(service['type']), String(found['url']).replace(/\/+$/, ''));
    }
    return new CloudApi(
      access,
      token,
      endpoints,
      String(record(record(body['project'])['domain'])['id'] ?? 'default'),
    );
  }

  /** The endpoint of the first of these types that the catalog has. */
  endpoint(...types: string[]): string {
    const found = types.map((type) => this.endpoints.get(type)).find((url) => url !== undefined);
    if (found === undefined) throw new Error(`the catalog has no ${types.join(' or ')}`);
    return found;
  }

  /** Asks, whatever comes of it: for finding out what there is. */
  async ask(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const raw = body instanceof Uint8Array;
    const response = await fetch(url, {
      method,
      headers: {
        'x-auth-token': this.#token,
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : raw ? Buffer.from(body) : JSON.stringify(body),
      signal: AbortSignal.timeout(120_000),
    });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  }

  /** Asks for what must succeed. @throws Error with method, URL, status and the first of the answer */
  async request(
    method: string,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Json> {
    const answer = await this.ask(method, url, body, headers);
    if (answer.status < 400) return answer.body;
    throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`);
  }
}

function parse(text: string): Json {
  try {
    return record(JSON.parse(text));
  } catch {
    return { text };
  }
}

/** The value as an object; an empty one where it is none. */
export function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

/** The value as a list of objects; an empty one where it is none. */
export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}
