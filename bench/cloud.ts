import { type Answer, CloudApi } from '../conformance/api.ts';
import type { Access } from '../conformance/cloud.ts';

/** A cloud under measurement, whoever wrote it: everything that is measured knows it by this alone. */
export interface BenchCloud {
  /** How the table and the progress call it. */
  name: string;
  /** It outlives the run, so nothing that the run made may stay behind. */
  stays: boolean;
  /** The administrator's. */
  projectId: string;
  /** A service's URL from the catalog; the path begins with the version where the API has one (`/v2/images`). */
  url(service: string, path: string): string;
  /** The administrator's token, good for some minutes at least. */
  token(): Promise<string>;
  /** Asks as the administrator, whatever comes of it. */
  ask(service: string, method: string, path: string, body?: unknown): Promise<Answer>;
  /** Asks for what must succeed. @throws Error with method, URL, status and the first of the answer */
  request<T>(service: string, method: string, path: string, body?: unknown): Promise<T>;
  /** What its processes have had of the processors; undefined where they are not known. */
  cpuSeconds(): Promise<number | undefined>;
  /** MiB; undefined where its processes are not known. */
  residentMib(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Milliseconds after which a token is renewed: clouds give theirs for an hour or more. */
const tokenAge = 600_000;

/** The newest microversion that both clouds have; services other than the one that it names pass over it. */
export const versionHeader = { 'OpenStack-API-Version': 'placement 1.39' };

/** The part of a cloud that goes through its API: all of it is in the openrc and in the catalog. */
export async function connect(
  access: Access,
): Promise<Pick<BenchCloud, 'projectId' | 'url' | 'token' | 'ask' | 'request'>> {
  const api = await CloudApi.open(access);
  let latest = { from: Number.NEGATIVE_INFINITY, token: Promise.resolve('') };
  const token = () => {
    if (performance.now() - latest.from > tokenAge)
      latest = { from: performance.now(), token: newToken(api) };
    return latest.token;
  };
  // Some catalogs have the version in the URL, followed by a project or not, and some do not.
  const url = (service: string, path: string) =>
    `${api.endpoint(service).replace(/\/v\d[\d.]*(\/.*)?$/, '')}${path}`;
  const headers = async () => ({ 'x-auth-token': await token(), ...versionHeader });
  return {
    projectId: api.projectId,
    url,
    token,
    async ask(service, method, path, body) {
      return api.ask(method, url(service, path), body, await headers());
    },
    async request<T>(service: string, method: string, path: string, body?: unknown) {
      return (await api.request(method, url(service, path), body, await headers())) as T;
    },
  };
}

async function newToken(api: CloudApi): Promise<string> {
  const token = await api.tokenFor({ project: { id: api.projectId } });
  if (token === undefined) throw new Error(`${api.access.authUrl} gave no token`);
  return token;
}
