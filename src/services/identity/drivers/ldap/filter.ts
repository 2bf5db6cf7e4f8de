import {
  AndFilter,
  EqualityFilter,
  ExtensibleFilter,
  type Filter,
  FilterParser,
  PresenceFilter,
  SubstringFilter,
} from 'ldapts';

/**
 * Conditions on entries. They are made as the protocol carries them, so that a value is never part of a text that is
 * parsed: there is nothing in a value that could end it.
 */

/** All of them hold. */
export const every = (filters: readonly Filter[]): Filter =>
  filters.length === 1 ? (filters[0] as Filter) : new AndFilter({ filters: [...filters] });

export const equals = (attribute: string, value: string): Filter => new EqualityFilter({ attribute, value });

export const present = (attribute: string): Filter => new PresenceFilter({ attribute });

/** The attribute has the text at its beginning, its end or anywhere. An empty text is in every value. */
export function has(where: 'startswith' | 'endswith' | 'contains', attribute: string, text: string): Filter {
  if (text === '') return present(attribute);
  if (where === 'startswith') return new SubstringFilter({ attribute, initial: text });
  return new SubstringFilter(where === 'endswith' ? { attribute, final: text } : { attribute, any: [text] });
}

/** Active Directory's rule that follows groups in groups: LDAP_MATCHING_RULE_IN_CHAIN. */
export const inChain = (attribute: string, dn: string): Filter =>
  new ExtensibleFilter({ matchType: attribute, rule: '1.2.840.113556.1.4.1941', value: dn });

/**
 * A filter that an operator wrote (RFC 4515).
 * @throws TypeError where it is none
 */
export function written(option: string, text: string): Filter {
  try {
    return FilterParser.parseString(text.trim());
  } catch (error) {
    throw new TypeError(`ldap.${option} must be a filter as RFC 4515 writes it`, { cause: error });
  }
}
