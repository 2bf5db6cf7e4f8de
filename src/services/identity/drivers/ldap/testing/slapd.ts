import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'ldapts';
import sshpk from 'sshpk';
import { run } from '../../../../../platform/exec/run.ts';

const program = '/usr/sbin/slapd';

/** Why tests that need a directory are skipped; undefined where they can run. */
export const missingSlapd = (): string | undefined =>
  existsSync(program) ? undefined : 'slapd (Debian package slapd) is not installed';

export const suffix = 'dc=example,dc=org';
export const manager = { dn: `cn=admin,${suffix}`, password: 'manager-secret' };

/** A directory of its own, on loopback; without its certificate it is asked in clear. */
export interface Slapd {
  url: string;
  tlsUrl: string;
  /** The file of the certificate that vouches for it. */
  certificate: string;
  /** Adds entries, as the directory's manager. */
  add(ldif: string): Promise<void>;
  /** Changes entries, as the directory's manager. */
  modify(ldif: string): Promise<void>;
  /** What an entry holds; undefined where there is none. */
  entry(dn: string): Promise<Record<string, string[]> | undefined>;
  /** Ends the server, and keeps what it holds. */
  stop(): Promise<void>;
  /** Starts it again, on the same ports. */
  start(): Promise<void>;
  /** Ends it and everything of it. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SlapdOptions {
  /** Entries below the suffix that it begins with. */
  ldif: string;
  /** More lines of slapd.conf, for the whole server and for the database. */
  global?: string;
  database?: string;
}

/** Starts OpenLDAP in a folder of its own. */
export async function startSlapd({ ldif, global = '', database = '' }: SlapdOptions): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'cumulet-slapd-'));
  await mkdir(join(folder, 'data'));
  const key = sshpk.generatePrivateKey('ecdsa');
  const vouched = sshpk.createSelfSignedCertificate(sshpk.identityForHost('localhost'), key);
  const certificate = join(folder, 'certificate.pem');
  await writeFile(certificate, vouched.toString('pem'));
  await writeFile(join(folder, 'key.pem'), key.toString('pkcs8'));
  const config = join(folder, 'slapd.conf');
  await writeFile(
    config,
    `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile ${certificate}
TLSCertificateKeyFile ${join(folder, 'key.pem')}
${global}
database mdb
maxsize 67108864
suffix "${suffix}"
rootdn "${manager.dn}"
rootpw ${manager.password}
directory ${join(folder, 'data')}
dbnosync
password-hash {SSHA}
access to attrs=userPassword by self write by anonymous auth by * none
access to * by * read
${database}
`,
  );
  const seed = join(folder, 'seed.ldif');
  await writeFile(
    seed,
    `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\n${ldif}`,
  );
  const [port, tlsPort] = await freePorts();
  const url = `ldap://127.0.0.1:${port}`;
  const tlsUrl = `ldaps://localhost:${tlsPort}`;
  let stop = async () => {};
  const start = async () => {
    stop = await serve(config, [`${url}/`, `ldaps://127.0.0.1:${tlsPort}/`], url);
  };
  const change = (text: string, flags: string[]) =>
    run(['ldapmodify', ...flags, '-H', url, '-x', '-D', manager.dn, '-w', manager.password], { input: text });
  const slapd: Slapd = {
    url,
    tlsUrl,
    certificate,
    start,
    stop: () => stop(),
    async add(text) {
      await change(text, ['-a']);
    },
    async modify(text) {
      await change(text, []);
    },
    async entry(dn) {
      await using client = new Client({ url });
      await client.bind(manager.dn, manager.password);
      const { searchEntries } = await client
        .search(dn, { scope: 'base' })
        .catch(() => ({ searchEntries: [] }));
      const [found] = searchEntries;
      if (!found) return undefined;
      const lists = Object.entries(found).map(([name, value]) => [name, [value].flat().map(String)]);
      return Object.fromEntries(lists) as Record<string, string[]>;
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await run(['/usr/sbin/slapadd', '-q', '-f', config, '-l', seed]);
    await start();
  } catch (error) {
    await slapd[Symbol.asyncDispose]();
    throw error;
  }
  return slapd;
}

/** @returns a function that ends the server */
async function serve(config: string, urls: readonly string[], url: string): Promise<() => Promise<void>> {
  // With -d it stays this process's child, and goes with it.
  const child = spawn(program, ['-d', '0', '-f', config, '-h', urls.join(' ')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const ended = once(child, 'exit');
  const killer = () => child.kill('SIGKILL');
  process.once('exit', killer);
  const stop = async () => {
    process.off('exit', killer);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
  };
  const end = Date.now() + 30_000;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error(`slapd did not start: ${said}`);
    }
    await delay(20);
  }
  return stop;
}

async function answers(url: string): Promise<boolean> {
  try {
    await using client = new Client({ url, connectTimeout: 1000, timeout: 1000 });
    await client.search('', { scope: 'base', attributes: ['1.1'] });
    return true;
  } catch {
    return false;
  }
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports as [number, number];
}
