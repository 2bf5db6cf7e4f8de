import type { HostRouter } from '../driver.ts';
import { parseBlock } from './addresses.ts';
import { gatewayDeviceName } from './names.ts';

export const metadataAddress = '169.254.169.254';

/** Which side a packet came from is forgotten by the time its source is rewritten, so it carries this. */
const fromOutside = '0x2';

/**
 * Address translation of one router. Floating IPs are translated both ways, also for guests behind the same router:
 * what such a guest sends to a floating IP gets its own floating IP (or the router's address) for a source, so that the
 * answer comes back this way. Only then comes SNAT to the router's address, if enabled.
 *
 * @returns one nft transaction
 */
export function routerTransaction(router: HostRouter): string {
  const lines = ['table ip cumulet', 'delete table ip cumulet', 'table ip cumulet {'];
  const chain = (name: string, hook: string, rules: readonly string[]): void => {
    lines.push(`  chain ${name} {`, `    ${hook}`, ...rules.map((rule) => `    ${rule}`), '  }');
  };
  const { gateway, floatingIps, enableSnat } = router;
  if (gateway) {
    const device = `"${gatewayDeviceName(gateway.portId)}"`;
    const own = gateway.ips.map(({ ip }) => ip).find((ip) => parseBlock(ip).version === 4);
    const pairs = (from: 'floating' | 'fixed', to: 'floating' | 'fixed'): string =>
      floatingIps.map((pair) => `${pair[from]} : ${pair[to]}`).join(', ');
    const toFixed = floatingIps.length ? [`dnat to ip daddr map { ${pairs('floating', 'fixed')} }`] : [];
    const toFloating = `snat to ip saddr map { ${pairs('fixed', 'floating')} }`;
    chain('outside', 'type filter hook prerouting priority mangle; policy accept;', [
      `iifname ${device} meta mark set ${fromOutside}`,
    ]);
    chain('prerouting', 'type nat hook prerouting priority dstnat; policy accept;', toFixed);
    chain('output', 'type nat hook output priority -100; policy accept;', toFixed);
    chain('postrouting', 'type nat hook postrouting priority srcnat; policy accept;', [
      ...(floatingIps.length
        ? [`oifname ${device} ${toFloating}`, `ct status dnat meta mark != ${fromOutside} ${toFloating}`]
        : []),
      ...(own ? [`ct status dnat meta mark != ${fromOutside} snat to ${own}`] : []),
      ...(own && enableSnat ? [`oifname ${device} ip saddr != ${own} snat to ${own}`] : []),
    ]);
    // Metadata is for the guests behind the router.
    chain('input', 'type filter hook input priority filter; policy accept;', [
      `iifname ${device} ip daddr ${metadataAddress} drop`,
    ]);
  }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}
