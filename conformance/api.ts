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
  /** The administrator's ids, and those of the project and its domain that they work in. */
  readonly userId: string;
  readonly projectId: string;
  readonly domainId: string;

  private constructor(access: Access, { token, body }: IssuedToken, endpoints: ReadonlyMap<string, string>) {
    this.access = access;
    this.#token = token;
    this.endpoints = endpoints;
    const project = record(body['project']);
    this.userId = String(record(body['user'])['id']);
    this.projectId = String(project['id']);
    this.domainId = String(record(project['domain'])['id'] ?? 'default');
  }

  /** @throws Error when the cloud does not let the administrator in */
  static async open(access: Access): Promise<CloudApi> {
    const { username, password, userDomain, project, projectDomain } = access;
    const issued = await authenticate(
      access.authUrl,
      { name: username, domain: { name: userDomain }, password },
      { project: { name: project, domain: { name: projectDomain } } },
    );
    if (typeof issued === 'number')
      throw new Error(`${access.authUrl} answered ${issued} to the administrator's password`);
    const { body } = issued;
    const endpoints = new Map<string, string>();
    for (const service of list(body['catalog'])) {
      const found = list(service['endpoints']).find(
        (one) => one['interface'] === 'public' && (one['region_id'] ?? one['region']) === access.region,
      );
      if (found) endpoints.set(String(service['type']), String(found['url']).replace(/\/+$/, ''));
    }
    return new CloudApi(access, issued, endpoints);
  }

  /** The administrator's token with another scope; undefined where the cloud gives none. */
  async tokenFor(scope: object): Promise<string | undefined> {
    const { username, password, userDomain } = this.access;
    const issued = await authenticate(
      this.access.authUrl,
      { name: username, domain: { name: userDomain }, password },
      scope,
    );
    return typeof issued === 'number' ? undefined : issued.token;
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

export interface IssuedToken {
  token: string;
  body: Json;
}

/** A token for a password, or the status of the refusal. @param scope none for an unscoped token */
export async function authenticate(
  authUrl: string,
  user: object,
  scope?: object,
): Promise<IssuedToken | number> {
  const identity = { methods: ['password'], password: { user } };
  const response = await fetch(`${authUrl}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, ...(scope ? { scope } : {}) } }),
    signal: AbortSignal.timeout(60_000),
  });
  const token = response.headers.get('x-subject-token');
  const text = await response.text();
  return token ? { token, body: record(parse(text)['token']) } : response.status;
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
