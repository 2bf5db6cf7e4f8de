import { readFile } from 'node:fs/promises';
import { run } from '../../../../platform/exec/run.ts';
import type { GuestDiagnostics } from '../driver.ts';
import { blockDevice } from './blockdevs.ts';
import type { QemuGuest } from './guest.ts';

/** Clock ticks a second in /proc: the kernel's user interface fixed it at 100 long ago. */
const ticks = 100;

/** What the guest uses, counted by the kernel and QEMU. @throws Conflict when it is off */
export async function readDiagnostics(guest: QemuGuest): Promise<GuestDiagnostics> {
  const { monitor, process, record, asBooted, powerState } = guest;
  const [threads, blocks, uptime, status] = await Promise.all([
    monitor.execute<{ 'cpu-index': number; 'thread-id': number }[]>('query-cpus-fast'),
    monitor.execute<BlockStats[]>('query-blockstats'),
    readFile('/proc/uptime', 'utf8'),
    readFile(`/proc/${process.pid}/status`, 'utf8'),
  ]);
  const nics = await Promise.all(record.spec.nics.map((nic) => tapCounters(nic.tap, record.spec.namespace)));
  return {
    powerState,
    uptimeSeconds: Math.floor(Number(uptime.split(' ')[0]) - Number(process.startTime) / ticks),
    memoryMib: record.spec.memoryMib,
    residentMib: Math.round(Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024),
    cpus: await Promise.all(
      threads.map(async (cpu) => ({
        id: cpu['cpu-index'],
        timeNanoseconds: await threadTime(process.pid, cpu['thread-id']),
      })),
    ),
    disks: asBooted.disks.map(({ id }) => {
      const stats = blocks.find(({ qdev }) => qdev?.includes(blockDevice(id)))?.stats;
      return {
        id,
        readBytes: stats?.rd_bytes ?? 0,
        readRequests: stats?.rd_operations ?? 0,
        writeBytes: stats?.wr_bytes ?? 0,
        writeRequests: stats?.wr_operations ?? 0,
      };
    }),
    nics: record.spec.nics.map(({ mac }, index) => ({ mac, ...(nics[index] ?? noTraffic) })),
  };
}

interface BlockStats {
  qdev?: string;
  stats: { rd_bytes: number; rd_operations: number; wr_bytes: number; wr_operations: number };
}

async function threadTime(pid: number, thread: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) || 0) + (Number(fields[12]) || 0)) * (1e9 / ticks);
}

const noTraffic = { rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 };

/** What the tap sent is what the guest received, and the other way round. */
async function tapCounters(tap: string, namespace?: string) {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const shown = await run(['ip', ...where, '-j', '-s', 'link', 'show', 'dev', tap]).catch(() => undefined);
  const [link] = JSON.parse(shown?.stdout || '[]') as {
    stats64?: { rx: { bytes: number; packets: number }; tx: { bytes: number; packets: number } };
  }[];
  if (!link?.stats64) return undefined;
  const { rx, tx } = link.stats64;
  return { rxBytes: tx.bytes, rxPackets: tx.packets, txBytes: rx.bytes, txPackets: rx.packets };
}
