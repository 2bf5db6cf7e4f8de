import { CommandFailed } from '../../../../platform/exec/run.ts';
import { switchNamespace } from './names.ts';
import type { Namespaces } from './namespaces.ts';
import { hostNamespace, type Plan, settled } from './plan.ts';
import { type Room, switchSysctls } from './topology.ts';

/** Collects what went wrong and goes on: one network's trouble is not another's. */
export type Fault = (what: string, error: unknown) => void;

/** Runs lines by `ip -batch` (or `bridge -batch`) in one namespace; lines that fail are told, the others done. */
async function batch(
  namespaces: Namespaces,
  name: string | undefined,
  lines: readonly string[],
  fault: Fault,
  program: readonly string[] = ['ip'],
): Promise<void> {
  if (lines.length === 0) return;
  const ready = lines.map((line) => line.replace(hostNamespace, String(process.pid)));
  const { stderr } = await namespaces.run(name, [...program, '-force', '-batch', '-'], {
    input: `${ready.join('\n')}\n`,
    accept: [0, 1, 2, 255],
  });
  let said = '';
  for (const line of stderr.split('\n')) {
    const number = /^Command failed -:(\d+)/.exec(line)?.[1];
    const failed = ready[Number(number) - 1];
    if (number === undefined) said = line || said;
    // A cable goes with its other end.
    else if (!(failed?.startsWith('link del ') && said.includes('Cannot find device')))
      fault(`${name ?? 'host'}: ${program[0]} ${failed}`, said);
  }
}

const setSysctls = (namespaces: Namespaces, name: string, values: Readonly<Record<string, string>>) =>
  // Without IPv6 in the kernel (or br_netfilter loaded too late) a key may be missing; the doctor says so, not this.
  namespaces.run(
    name,
    ['sysctl', '-q', '-e', '-w', ...Object.entries(values).map(([key, value]) => `${key}=${value}`)],
    { accept: [0, 1, 255] },
  );

/** Changes one namespace's devices first: its settings speak of them. */
async function applyRoom(
  namespaces: Namespaces,
  name: string,
  lines: readonly string[],
  settings: Room | undefined,
  fault: Fault,
): Promise<void> {
  // Before devices come up, so that addresses are announced and no router is believed.
  if (settings) await setSysctls(namespaces, name, settings.sysctls);
  await batch(namespaces, name, lines, fault);
  if (!settings) return;
  try {
    if (settings.rules !== undefined)
      await namespaces.run(name, ['nft', '-f', '-'], { input: settings.rules });
    await namespaces.run(name, ['ip', '-6', 'route', 'flush', 'proto', 'static'], {
      accept: [0, 1, 2, 255],
    });
    const routes = settings.routes6.map(
      ({ destination, nexthop }) => `route add ${destination} via ${nexthop} proto static`,
    );
    await batch(namespaces, name, routes, fault, ['ip', '-6']);
    // Last: it says that all the above was done.
    await batch(namespaces, name, [`link set dev lo alias ${settings.revision}`], fault);
  } catch (error) {
    fault(name, error);
  }
}

/** Does what a plan says. @param rules the switch's nft transaction, when it differs */
export async function apply(
  namespaces: Namespaces,
  tag: string,
  plan: Plan,
  rules: string | undefined,
  fault: Fault,
): Promise<void> {
  const theSwitch = switchNamespace(tag);
  if (plan.lost.length) await namespaces.remove(plan.lost);
  await namespaces.add(plan.add);
  const made = await namespaces.list();
  const unseen = plan.add.find((name) => !made.get(name)?.alive);
  if (unseen)
    throw new Error(
      `namespace ${unseen} was made but can't be seen from here: this process has mounts of its own`,
    );
  if (plan.settle) {
    await setSysctls(namespaces, theSwitch, switchSysctls);
    await batch(namespaces, theSwitch, [`link set dev lo alias ${settled}`], fault);
  }
  // Rules know devices by name, and so are there before the first frame.
  if (rules !== undefined)
    await namespaces.run(theSwitch, ['nft', '-f', '-'], { input: rules }).catch((error: unknown) => {
      fault('security groups', error);
      // Better no network than one without its rules.
      throw error;
    });
  await batch(namespaces, undefined, plan.host, fault);
  await batch(namespaces, theSwitch, plan.switch, fault);
  await batch(namespaces, undefined, plan.vxlan, fault);
  await batch(namespaces, theSwitch, plan.vxlanSettings, fault);
  await batch(namespaces, undefined, plan.hostLegs, fault);
  await batch(namespaces, theSwitch, plan.peers, fault, ['bridge']);
  await eachOf(plan.rooms, ({ name, lines, settings }) =>
    applyRoom(namespaces, name, lines, settings, fault).catch((error: unknown) => fault(name, error)),
  );
  if (plan.remove.length)
    await namespaces.remove(plan.remove).catch((error: unknown) => fault('namespaces', error));
}

/** A few at a time: each is a process, and the machine has guests to run. */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** An error in words, short enough for a log line. */
export const wordsOf = (error: unknown): string =>
  error instanceof CommandFailed || error instanceof Error ? error.message : String(error);
