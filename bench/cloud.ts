import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../src/platform/exec/run.ts';

/** A cloud of its own for measuring, and how one speaks to it. */
export interface BenchCloud {
  stateDir: string;
  pid: number;
  urls: Record<string, string>;
  /** Seconds from the command to its end, when every API answers. */
  startSeconds: number;
  token: string;
  projectId: string;
  request<T>(service: string, method: string, path: string, body?: unknown): Promise<T>;
  /** MiB; what the kernel charges the process with. */
  residentMib(): Promise<number>;
  close(): Promise<void>;
}

const command = fileURLToPath(new URL('../bin/cumulet', import.meta.url));

/** Starts a cloud in a state directory of its own; a real one wants root and a network namespace made for it. */
export async function benchCloud(portOffset: number, kind: 'simulated' | 'real'): Promise<BenchCloud> {
  const stateDir = await mkdtemp(join(tmpdir(), 'cumulet-bench-'));
  const flags = [
    ...(kind === 'simulated' ? ['--simulated'] : []),
    '--state-dir',
    stateDir,
    '--port-offset',
    String(portOffset),
  ];
  const startedAt = performance.now();
  await run([command, 'up', ...flags, '--log-level', 'warn', '--detach'], { deadline: 120_000 });
  const startSeconds = (performance.now() - startedAt) / 1000;
  const close = async () => {
    await run([command, 'destroy', '--yes', ...flags], { deadline: 120_000 });
    await rm(stateDir, { recursive: true, force: true });
  };
  try {
    const { pid, urls } = JSON.parse(await readFile(join(stateDir, 'process.json'), 'utf8')) as {
      pid: number;
      urls: Record<string, string>;
    };
    const { token, projectId } = await login(urls['identity'] ?? '', await openrc(stateDir));
    return {
      stateDir,
      pid,
      urls,
      startSeconds,
      token,
      projectId,
      async request<T>(service: string, method: string, path: string, body?: unknown): Promise<T> {
        const response = await fetch(`${urls[service]}${path}`, {
          method,
          headers: { 'x-auth-token': token, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
        return (text ? JSON.parse(text) : undefined) as T;
      },
      async residentMib() {
        const status = await readFile(`/proc/${pid}/status`, 'utf8');
        return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openrc(stateDir: string): Promise<Record<string, string>> {
  const text = await readFile(join(stateDir, 'admin-openrc'), 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
  );
}

async function login(
  identity: string,
  variables: Record<string, string>,
): Promise<{ token: string; projectId: string }> {
  const domain = { id: 'default' };
  const response = await fetch(`${identity}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: variables['OS_USERNAME'], password: variables['OS_PASSWORD'], domain } },
        },
        scope: { project: { name: variables['OS_PROJECT_NAME'], domain } },
      },
    }),
  });
  if (!response.ok) throw new Error(`login: ${response.status} ${await response.text()}`);
  const { token } = (await response.json()) as { token: { project: { id: string } } };
  return { token: response.headers.get('x-subject-token') ?? '', projectId: token.project.id };
}
