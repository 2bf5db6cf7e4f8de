/**
 * nftables rules as data: what is rendered for the kernel is what the tests evaluate against a plain reading of the
 * security groups.
 */
export interface Match {
  /** An nft expression: `ip saddr`, `tcp dport`, `meta mark & 0xffff`. */
  field: string;
  /** Values, ranges (`1-5`), blocks, or one `@set`. */
  in: readonly string[];
  not?: boolean;
}

/** `accept`, `drop`, `return`, `jump chain`. */
export type Verdict = 'accept' | 'drop' | 'return' | `jump ${string}`;

export type Rule =
  | { match: readonly Match[]; verdict: Verdict }
  | { match: readonly Match[]; set: string }
  | { lookup: string; verdicts: ReadonlyMap<string, Verdict> };

export interface Chain {
  name: string;
  /** `type filter hook forward priority filter; policy accept;` for a chain that the kernel calls itself. */
  hook?: string;
  rules: readonly Rule[];
}

export interface AddressSet {
  name: string;
  ethertype: 'IPv4' | 'IPv6';
  elements: readonly string[];
}

export interface Table {
  family: 'bridge' | 'inet' | 'ip';
  name: string;
  sets?: readonly AddressSet[];
  chains: readonly Chain[];
}

const braces = (values: readonly string[]): string => `{ ${values.join(', ')} }`;

function matchText({ field, in: values, not }: Match): string {
  const [only] = values;
  const value = values.length === 1 && only !== undefined ? only : braces(values);
  return `${field} ${not ? '!= ' : ''}${value}`;
}

function ruleText(rule: Rule): string {
  if ('lookup' in rule)
    return `${rule.lookup} vmap ${braces([...rule.verdicts].map(([value, verdict]) => `${value} : ${verdict}`))}`;
  return [...rule.match.map(matchText), 'set' in rule ? rule.set : rule.verdict].join(' ');
}

/** A lookup in an empty map is no rule (and no syntax). */
const isRule = (rule: Rule): boolean => !('lookup' in rule) || rule.verdicts.size > 0;

function setLines({ name, ethertype, elements }: AddressSet): string[] {
  return [
    `  set ${name} {`,
    `    type ${ethertype === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'}`,
    '    flags interval',
    ...(elements.length ? [`    elements = ${braces(elements)}`] : []),
    '  }',
  ];
}

const chainLines = ({ name, hook, rules }: Chain): string[] => [
  `  chain ${name} {`,
  ...(hook ? [`    ${hook}`] : []),
  ...rules.filter(isRule).map((rule) => `    ${ruleText(rule)}`),
  '  }',
];

/** The table's description in nft's language, without what it replaces. */
export const tableText = (table: Table): string =>
  [
    `table ${table.family} ${table.name} {`,
    ...(table.sets ?? []).flatMap(setLines),
    // A chain must be known before a rule jumps to it; within one transaction nft sorts that out itself.
    ...table.chains.flatMap(chainLines),
    '}',
  ].join('\n');

/** One transaction that puts these tables in place of whatever they were. */
export const replaceTables = (tables: readonly Table[]): string =>
  `${tables
    .map((table) => {
      const name = `${table.family} ${table.name}`;
      return `table ${name}\ndelete table ${name}\n${tableText(table)}`;
    })
    .join('\n')}\n`;
