/**
 * The cloud's side of the live tests, as a process of its own (it is killed and started again): makes and remakes the
 * host as each line on its standard input says, and answers each by a line of JSON. Runs inside the test's namespace.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import type { HostNetworkState } from '../../driver.ts';
import { linuxBridge } from '../linux-bridge.ts';

const [tag = '', outside = '', underlay = '127.0.0.1', trustFor = '0'] = process.argv.slice(2);
const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);

// Stands for the metadata service: says back what it was asked, and by whose leave.
const metadata = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ path: request.url, headers: request.headers }));
});
await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
const address = metadata.address();
const port = typeof address === 'object' && address ? address.port : 0;

const driver = await linuxBridge({
  tag,
  physicalNetworks: {
    // An address is for a bridge of our own, anything else the name of one that exists.
    physnet1: outside.includes('/') ? { addresses: [outside] } : { bridge: outside },
  },
  underlay: { address: underlay },
  trustFor: Number(trustFor),
  metadata: {
    url: `http://127.0.0.1:${port}`,
    secret: 'only for this test',
    resolve: async ({ routerId, networkId, ip }) =>
      ip.endsWith('.12')
        ? undefined
        : { serverId: `server-${ip}`, projectId: `project-of-${routerId ?? networkId}` },
  },
});
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as { wanted?: HostNetworkState; destroy?: true; attachment?: string };
  try {
    if (order.wanted) say(await driver.reconcile(order.wanted));
    else if (order.attachment) say(driver.attachment(order.attachment));
    else if (order.destroy) say((await driver.destroyAll(), { destroyed: true }));
  } catch (error) {
    say({ error: error instanceof Error ? error.stack : String(error) });
  }
}
await driver.close();
metadata.close();
