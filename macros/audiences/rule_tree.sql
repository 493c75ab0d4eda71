{#- Value: the compiled rule tree of a condition: {kind: all or any, of: [trees]}, {kind: not, of: [tree]} or a leaf {kind: leaf, number, path,
    words, sql}, numbered in the order of `context.leaves`. `sql` is over the rows of `candidates`, true or false and never null; a leaf that
    share_scans() made read with others has `shared`, {column, sign}, which says the same. What an audience is, who meets which leaf, and the sentence
    in words all come from it. Mistakes are noted in `context.problems`. -#}
{% macro rule_tree(context, condition, path) -%}
    {%- set kinds = headwater.definition_keys('kinds') + (['entry'] if context.get('entry_event') else [])
        + headwater.audience_entities() | reject('in', ['person', 'account', context.entity]) | list + (['person'] if headwater.owner_of(context.entity) == 'person' else []) -%}
    {%- set nothing = {'kind': 'leaf', 'number': 0, 'path': path, 'words': '', 'sql': 'false'} -%}
    {%- if condition is not mapping or not condition -%}
        {%- do headwater.note_problem(context, path, "wants a condition, one of " ~ kinds | join(', ')) -%}
        {{ return(nothing) }}
    {%- endif -%}
    {%- set found = condition | select('in', kinds) | list -%}
    {%- if found | length != 1 -%}
        {%- set first = condition | first -%}
        {%- do headwater.note_problem(context, path ~ ('.' if path) ~ (found | join('+') or first), "one condition is wanted here, of "
            ~ kinds | join(', ') ~ ("; did you mean '" ~ {'or': 'any', 'and': 'all'}[first] ~ "'?" if first in ['or', 'and'] else headwater.nearest(first, kinds) if not found)
            ~ (". Put several into all: or any:" if found | length > 1 else '')) -%}
        {{ return(nothing) }}
    {%- endif -%}
    {%- set kind = found[0] -%}
    {%- set path = path ~ ('.' if path) ~ kind -%}
    {%- if kind == 'not' -%}
        {%- do headwater.note_unknown_keys(context, condition, ['not'], path) -%}
        {{ return({'kind': 'not', 'of': [headwater.rule_tree(context, condition['not'], path)]}) }}
    {%- elif kind in ['all', 'any'] -%}
        {%- do headwater.note_unknown_keys(context, condition, [kind], path) -%}
        {%- set conditions = condition[kind] -%}
        {%- if conditions is mapping or conditions is string or conditions is not iterable or not conditions -%}
            {%- do headwater.note_problem(context, path, "wants a list of conditions, each behind a dash") -%}
            {{ return(nothing) }}
        {%- endif -%}
        {%- set parts = [] -%}
        {%- set count = context.problems | length -%}
        {%- for one in conditions -%}
            {%- do parts.append(headwater.rule_tree(context, one, path ~ '[' ~ loop.index ~ ']')) -%}
        {%- endfor -%}
        {%- if context.problems | length == count -%}
            {%- do headwater.note_impossible_siblings(context, kind, conditions, path) -%}
        {%- endif -%}
        {{ return({'kind': kind, 'of': parts}) }}
    {%- endif -%}
    {%- if kind in ['some', 'score'] -%}
        {{ return(headwater.points_tree(context, kind, condition, path) or nothing) }}
    {%- endif -%}
    {%- set leaf = {'kind': 'leaf', 'number': context.leaves | length + 1, 'path': path, 'words': headwater.rule_words(condition)} -%}
    {%- do context.leaves.append(leaf) -%}
    {%- do leaf.update({'sql': headwater._leaf_predicate(context, kind, condition, path)}) -%}
    {{ return(leaf) }}
{%- endmacro %}

{% macro _leaf_predicate(context, kind, condition, path) -%}
    {%- if kind == 'trait' -%}
        {%- set type = headwater.use_trait(context, condition['trait'], path) -%}
        {%- do headwater.note_unknown_values(context, context.model, condition['trait'], condition, path) if type == 'text' -%}
        {{ return(headwater.comparison(context, 'candidates.' ~ condition['trait'], type, headwater._rest(condition, ['trait']), path)) }}
    {%- elif kind == 'figure' -%}
        {%- set column = headwater.told_figure(context, condition['figure'], path) -%}
        {{ return(headwater.comparison(context, column, headwater.told_type(context, column), headwater._rest(condition, ['figure']), path)) }}
    {%- elif kind == 'did' -%}
        {{ return(headwater.did_predicate(context, condition, path)) }}
    {%- elif kind == 'sequence' -%}
        {{ return(headwater.sequence_predicate(context, condition, path)) }}
    {%- elif kind == 'related' -%}
        {{ return(headwater.related_predicate(context, condition, path)) }}
    {%- elif kind in ['consent', 'suppressed'] -%}
        {{ return(headwater.consent_predicate(context, kind, condition, path)) }}
    {%- elif kind == 'was_sent' -%}
        {{ return(headwater.was_sent_predicate(context, condition, path)) }}
    {%- elif kind == 'in_journey' -%}
        {{ return(headwater.in_journey_predicate(context, condition, path)) }}
    {%- elif kind == 'in_list' -%}
        {{ return(headwater.in_list_predicate(context, condition, path)) }}
    {%- elif kind == 'entry' -%}
        {{ return(headwater.entry_predicate(context, condition, path)) }}
    {%- elif kind == 'known_by' -%}
        {{ return(headwater.known_by_predicate(context, condition, path)) }}
    {%- elif kind == 'people' -%}
        {{ return(headwater.people_of_predicate(context, condition, path)) }}
    {%- elif kind in headwater.audience_entities() and headwater.owner_of(kind) == context.entity -%}
        {{ return(headwater.owned_predicate(context, kind, condition, path)) }}
    {%- elif kind in headwater.audience_entities() and (kind != 'account' or headwater.owner_of(context.entity) == 'account') -%}
        {{ return(headwater.part_of_predicate(context, kind, condition, path)) }}
    {%- elif kind == 'near' -%}
        {{ return(headwater.near_predicate(context, condition, path)) }}
    {%- elif kind == 'member_of' -%}
        {{ return(headwater._member_of(context, condition, path)) }}
    {%- elif kind == 'account' -%}
        {{ return(headwater._account(context, condition, path)) }}
    {%- elif kind == 'contacts' -%}
        {{ return(headwater._contacts(context, condition, path)) }}
    {%- endif -%}
    {{ return(headwater._product_line(context, condition, path)) }}
{%- endmacro %}

{#- Expression, boolean: a rule tree over `candidates`; or, with `alias`, over the columns leaf_1, leaf_2, ... of that relation, where `flipped` is
    the number of a leaf to be taken as the opposite of what it is. -#}
{% macro rule_expression(tree, alias=none, flipped=none) -%}
    {%- if tree.kind == 'leaf' -%}
        {%- set asked = tree.shared.sign ~ 'candidates.meets_' ~ tree.number if tree.shared is defined else tree.sql -%}
        {{ return(asked if not alias else ('not ' if tree.number == flipped else '') ~ alias ~ '.leaf_' ~ tree.number) }}
    {%- elif tree.kind == 'not' -%}
        {{ return('not ' ~ ('(' if alias) ~ headwater.rule_expression(tree.of[0], alias, flipped) ~ (')' if alias)) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for one in tree.of -%}
        {%- do parts.append(headwater.rule_expression(one, alias, flipped)) -%}
    {%- endfor -%}
    {%- if tree.kind == 'points' -%}
        {{ return(headwater.points_predicate(parts, tree.points, tree.least)) }}
    {%- endif -%}
    {{ return('(\n        ' ~ parts | join('\n        ' ~ ('and ' if tree.kind == 'all' else 'or ')) ~ '\n    )') }}
{%- endmacro %}

{#- Text: a rule tree as a sentence. -#}
{% macro rule_sentence(tree, is_inside=false) -%}
    {%- if tree.kind == 'leaf' -%}
        {{ return(tree.words) }}
    {%- elif tree.kind == 'not' -%}
        {{ return('not (' ~ headwater.rule_sentence(tree.of[0]) ~ ')') }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for one in tree.of -%}
        {%- do parts.append(headwater.rule_sentence(one, true)) -%}
    {%- endfor -%}
    {%- if tree.kind == 'points' -%}
        {%- set said = [] -%}
        {%- for part in parts -%}
            {%- do said.append(part ~ (' (' ~ tree.points[loop.index0] ~ ' points)' if tree.is_score else '')) -%}
        {%- endfor -%}
        {{ return('(at least ' ~ tree.least ~ (' points of: ' if tree.is_score else ' of: ') ~ said | join('; ') ~ ')') }}
    {%- endif -%}
    {%- set text = parts | join(' and ' if tree.kind == 'all' else ' or ') -%}
    {{ return('(' ~ text ~ ')' if is_inside and parts | length > 1 else text) }}
{%- endmacro %}

{#- Text: what somebody answered, or did not, with what a definition need not say. -#}
{% macro _answer_words(told) -%}
    {%- set state = {'opted_in': 'agreed to', 'opted_out': 'opted out of', 'never_asked': 'was never asked about'}.get(told.get('state', 'opted_in'), '') -%}
    {%- set more = headwater._rest(told, ['channel', 'purpose', 'state']) -%}
    {{ return(state ~ ' ' ~ told.get('channel') ~ ' for ' ~ told.get('purpose', 'marketing') ~ (' ' ~ headwater.rule_words(more) if more else '')) }}
{%- endmacro %}

{#- Text: a condition in plain words, as near to its YAML as a sentence can be. -#}
{% macro rule_words(condition) -%}
    {%- set words = {
        'did': 'did', 'trait': '', 'member_of': 'is a member of', 'account': 'is a contact of a company that', 'related': 'has rows in',
        'consent': '', 'suppressed': 'must not be contacted:', 'was_sent': 'was sent', 'in_journey': 'is in', 'in_list': 'is in the list',
        'near': 'is near', 'figure': 'the figure', 'known_by': 'is known by', 'ends_with': 'ends with', 'product_line': 'in product line', 'contacts': 'has contacts,', 'sequence': '', 'equals': 'is', 'not_equals': 'is not',
        'in': 'is one of', 'not_in': 'is none of', 'at_least': 'at least', 'at_most': 'at most', 'is_null': 'is absent:', 'older_than': 'older than',
        'starts_with': 'starts with', 'on_or_after': 'is on or after', 'within_next': 'within the next', 'did_not': 'did not do', 'who': 'who',
        'not': 'not', 'all': 'all of', 'any': 'any of', 'where': 'where', '>': 'over', '>=': 'at least', '<': 'under', '<=': 'at most',
    } -%}
    {%- if condition is mapping -%}
        {%- set parts = [] -%}
        {%- for key, value in condition.items() -%}
            {%- set said = headwater._answer_words(value) if key == 'consent' and value is mapping else headwater.rule_words(value) -%}
            {%- set times = ' times' if key in ['at_least', 'at_most', 'exactly'] and ('did' in condition or 'was_sent' in condition) else '' -%}
            {%- do parts.append((words.get(key, key | replace('_', ' ')) ~ ' ' ~ said ~ times) | trim) -%}
        {%- endfor -%}
        {{ return(parts | join(' ')) }}
    {%- elif condition is string or condition is not iterable -%}
        {{ return(condition | string | lower if condition is boolean else condition | string) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for one in condition -%}
        {%- do parts.append(headwater.rule_words(one)) -%}
    {%- endfor -%}
    {%- set joint = '; ' if condition | length and condition[0] is mapping else ', ' -%}
    {{ return(parts | join(joint)) }}
{%- endmacro %}
