import { askCloud } from '../operator-socket.ts';
import { type Format, printRows } from '../output.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Prints the flows of all services, newest first. */
export async function listFlows(flags: CloudFlags & { all?: boolean }, format: Format): Promise<void> {
  const { all, ...rest } = flags;
  const { values } = await settingsOfCloud(rest);
  const rows: Record<string, unknown>[] = [];
  for (const service of await servicesWithFlows(values.state_dir)) {
    const flows = await askCloud(values.state_dir, `${service}/flows`, all ? { all: 'yes' } : {});
    for (const flow of flows as Record<string, unknown>[]) rows.push({ service, ...flow });
  }
  printRows(rows, format);
}

/** Prints one flow, step by step. */
export async function showFlow(flags: CloudFlags, id: string, format: Format): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  for (const service of await servicesWithFlows(values.state_dir)) {
    const found = (await askCloud(values.state_dir, `${service}/flow`, { id })) as {
      flow: Record<string, unknown>;
      steps: Record<string, unknown>[];
    } | null;
    if (!found) continue;
    if (format === 'json') {
      console.log(JSON.stringify(found, null, 2));
      return;
    }
    printRows(
      Object.entries(found.flow).map(([field, value]) => ({ field, value })),
      format,
    );
    printRows(found.steps, format);
    return;
  }
  throw new Error(`no flow has the id ${id}: \`cumulet flow list --all\` prints them`);
}

async function servicesWithFlows(stateDir: string): Promise<string[]> {
  const offers = (await askCloud(stateDir, '')) as string[];
  return offers.filter((each) => each.endsWith('/flows')).map((each) => each.slice(0, -'/flows'.length));
}
