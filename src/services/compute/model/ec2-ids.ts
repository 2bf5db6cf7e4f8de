/** `i-` and eight hex digits that stand for a server in the EC2 tree; the same server always has the same. */
export const ec2Id = (serverId: string): string => `i-${serverId.replaceAll('-', '').slice(0, 8)}`;
