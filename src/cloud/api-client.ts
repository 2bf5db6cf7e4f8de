import type { Account } from './state-files.ts';

/** A refusal of an API, with what it said. */
export class RequestFailed extends Error {
  readonly status: number;

  constructor(method: string, url: string, status: number, text: string) {
    super(`${method} ${url} answered ${status}: ${text.slice(0, 500)}`);
    this.name = 'RequestFailed';
    this.status = status;
  }
}

interface CatalogEntry {
  type: string;
  endpoints: { interface: string; region_id: string; url: string }[];
}

/** A client of a cloud's own APIs, as any other program would be one: it logs in and follows the catalog. */
export class ApiClient {
  readonly projectId: string;
  readonly #token: string;
  readonly #catalog: readonly CatalogEntry[];

  private constructor(token: string, projectId: string, catalog: readonly CatalogEntry[]) {
    this.#token = token;
    this.projectId = projectId;
    this.#catalog = catalog;
  }

  /** @throws RequestFailed when the password is refused */
  static async login(identityUrl: string, { user, password, project }: Account): Promise<ApiClient> {
    const url = `${identityUrl}/v3/auth/tokens`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: user, domain: { id: 'default' }, password } },
          },
          scope: { project: { name: project, domain: { id: 'default' } } },
        },
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new RequestFailed('POST', url, response.status, text);
    const { token } = JSON.parse(text) as { token: { project: { id: string }; catalog: CatalogEntry[] } };
    return new ApiClient(response.headers.get('x-subject-token') ?? '', token.project.id, token.catalog);
  }

  endpoint(type: string): string {
    const endpoint = this.#catalog
      .find((each) => each.type === type)
      ?.endpoints.find((each) => each.interface === 'public');
    if (!endpoint) throw new Error(`the catalog has no ${type} service`);
    return endpoint.url;
  }

  /** @returns the answer's JSON. @throws RequestFailed for a status of 400 and above */
  async request<T>(
    type: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const url = `${this.endpoint(type)}${path}`;
    const raw = body instanceof ReadableStream;
    const response = await fetch(url, {
      method,
      headers: {
        'x-auth-token': this.#token,
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      ...(raw ? { duplex: 'half' as const } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new RequestFailed(method, url, response.status, text);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  get<T>(type: string, path: string): Promise<T> {
    return this.request<T>(type, 'GET', path);
  }

  post<T>(type: string, path: string, body: unknown): Promise<T> {
    return this.request<T>(type, 'POST', path, body);
  }
}
