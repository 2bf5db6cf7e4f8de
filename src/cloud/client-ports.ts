/**
 * Ports that browsers, and what is built on their `fetch`, never speak HTTP to, for they belong to other protocols; those
 * that a cloud's services could come to have.
 * Source: the bad ports of the WHATWG's Fetch Standard.
 */
const refused: ReadonlySet<number> = new Set([
  5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/**
 * @param ports the standard ports by service
 * @throws Error that names a service which some clients would refuse to speak to with this offset
 */
export function assertPortsAreForClients(ports: Readonly<Record<string, number>>, offset: number): void {
  for (const [service, port] of Object.entries(ports)) {
    if (refused.has(port + offset))
      throw new Error(
        `--port-offset ${offset} gives ${service} the port ${port + offset}, which browsers and many clients refuse to speak to: choose another, as ${offset + 100}`,
      );
  }
}
