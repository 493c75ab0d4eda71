{#- What nothing can ever meet is told, not built: it would be nobody, or behind `not:` everybody, in silence. A time that begins on a date
    and ends at so long ago is not among it, since it will have been one day. -#}

{#- Value: {lows, highs} of what comparisons of one time, or the window of a condition, leave open: [instant, is_fixed], naive datetimes in UTC,
    `is_fixed` those of a date, which do not move with now. -#}
{% macro time_bounds(context, told) -%}
    {%- set lows, highs = [], [] -%}
    {%- set now = headwater.now_value() -%}
    {%- for operator, given in told.items() if given is not mapping -%}
        {%- set value = headwater.told_in_days(given, operator == 'within_next') if operator in ['within', 'older_than', 'within_next'] else given -%}
        {%- if operator in ['within', 'older_than', 'within_next'] and headwater.minutes_of(value) is not none -%}
            {%- set length = modules.datetime.timedelta(minutes=headwater.minutes_of(value)) -%}
            {%- do lows.append([now if operator == 'within_next' else now - length, false]) if operator != 'older_than' -%}
            {%- do highs.append([now if operator == 'within' else now + length if operator == 'within_next' else now - length, false]) -%}
        {%- elif operator == 'between' and value is iterable and value is not string and value | length == 2 -%}
            {%- for one, ends in [(value[0], lows), (value[1], highs)] -%}
                {%- set instant = headwater.moment(context, one, bare=true) -%}
                {%- do ends.append([headwater._datetime_of(instant), headwater.utc_instant(one) is not none]) if instant -%}
            {%- endfor -%}
        {%- elif operator == 'during' -%}
            {%- set window = headwater._calendar_window(context, value) -%}
            {%- set is_fixed = modules.re.fullmatch('[0-9]{4}.*', value | string) is not none -%}
            {%- for one, ends in ([(window.start, lows), (window.end, highs)] if window else []) -%}
                {%- do ends.append([headwater._datetime_of(headwater._utc_of_clock(context, one)), is_fixed]) -%}
            {%- endfor -%}
        {%- elif operator in ['before', 'on_or_after', '>', '>=', '<', '<='] -%}
            {%- set instant = headwater.moment(context, value) -%}
            {%- do (highs if operator in ['before', '<', '<='] else lows).append([headwater._datetime_of(instant), headwater.utc_instant(value) is not none]) if instant -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'lows': lows, 'highs': highs}) }}
{%- endmacro %}

{#- Value: whether what must be after every one of `lows` and before every one of `highs` can never be. -#}
{% macro is_never_between(lows, highs) -%}
    {%- for low, low_is_fixed in lows -%}
        {%- for high, high_is_fixed in highs if low > high and (high_is_fixed or not low_is_fixed) -%}
            {{ return(true) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{% macro _window_told(condition) -%}
    {%- set told = {} -%}
    {%- for key in ['within', 'between', 'during'] if key in condition -%}
        {%- do told.update({key: condition[key]}) -%}
    {%- endfor -%}
    {{ return(told) }}
{%- endmacro %}

{#- Nothing: notes a first or last event that cannot be in the window of the condition, or a last one that was before the first. -#}
{% macro note_impossible_ends(context, condition, path) -%}
    {%- set window = headwater.time_bounds(context, headwater._window_told(condition)) -%}
    {%- set bounds = {} -%}
    {%- for end in ['first', 'last'] if condition.get(end) is mapping -%}
        {%- set found = headwater.time_bounds(context, headwater._rest(condition[end], headwater._settings_of_ends())) -%}
        {%- do bounds.update({end: found}) -%}
        {%- if headwater.is_never_between(window.lows, found.highs) or headwater.is_never_between(found.lows, window.highs) -%}
            {%- do headwater.note_problem(context, path ~ '.' ~ end, "can never be: the events that are counted are those of the window, and this is outside of it") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if bounds | length == 2 and headwater.is_never_between(bounds.first.lows, bounds.last.highs) -%}
        {%- do headwater.note_problem(context, path ~ '.last', "can never be: it is before the first, as first: says") -%}
    {%- endif -%}
{%- endmacro %}

{#- Nothing: notes a sequence that can never be: a window behind which another begins, a wait for what must not be that is longer than the time
    there has been, or an event that must not come and must. `steps` are those of sequence_predicate(). -#}
{% macro note_impossible_sequence(context, steps, path) -%}
    {%- set seen = namespace(lows=[], first=true) -%}
    {%- for step in steps -%}
        {%- set path = path ~ '[' ~ step.number ~ ']' -%}
        {%- set told = step.told -%}
        {%- if step.is_not -%}
            {%- set passed = headwater.minutes_of(told.get('within')) if not told.get('so_far') and not seen.first else none -%}
            {%- if told.get('so_far') and seen.first -%}
                {%- do headwater.note_problem(context, path ~ '.so_far', "is for a step behind a did:, as it is of the time since; this one looks back from the next") -%}
            {%- endif -%}
            {%- if passed is not none -%}
                {%- set latest = headwater.now_value() - modules.datetime.timedelta(minutes=passed) -%}
                {%- if headwater.is_never_between(seen.lows, [[latest, false]]) -%}
                    {%- do headwater.note_problem(context, path ~ '.within', "can never have passed: what came before it is not that long ago; write a shorter one, or so_far: true") -%}
                {%- endif -%}
            {%- endif -%}
            {%- for later in steps if passed is not none and later.number > step.number and later.event.name == step.event.name
                and (not told.get('where') or told.get('where') == later.told.get('where')) and (not told.get('when') or told.get('when') == later.told.get('when'))
                and (later.is_not or (headwater.minutes_of(later.told.get('within')) is not none and headwater.minutes_of(later.told.get('within')) <= passed)) -%}
                {%- if loop.first and not later.is_not -%}
                    {%- do headwater.note_problem(context, path, "contradicts step " ~ later.number ~ ": no " ~ step.event.name ~ " within " ~ told['within'] ~ ", and one within " ~ later.told['within']) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- else -%}
            {%- set window = headwater._window_told(told) if seen.first else headwater._rest(headwater._window_told(told), ['within']) -%}
            {%- set bounds = headwater.time_bounds(context, window) -%}
            {%- if headwater.is_never_between(seen.lows, bounds.highs) -%}
                {%- do headwater.note_problem(context, path, "can never be: its window ends before that of a step before it begins") -%}
            {%- endif -%}
            {%- set seen.lows = seen.lows + bounds.lows -%}
            {%- set seen.first = false -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Nothing: notes conditions of one `all:` that nobody meets together, and of one `any:` that everybody meets. -#}
{% macro note_impossible_siblings(context, kind, conditions, path) -%}
    {%- for one in conditions -%}
        {%- set number = loop.index -%}
        {%- for other in conditions[number:] -%}
            {%- set place = path ~ '[' ~ (number + loop.index) ~ ']' -%}
            {%- if one.get('not') == other or other.get('not') == one -%}
                {%- do headwater.note_problem(context, place, "is the opposite of condition " ~ number ~ " beside it, which " ~ ("nobody meets together" if kind == 'all' else "everybody meets, one or the other")) -%}
            {%- elif kind == 'all' and 'trait' in one and one.get('trait') == other.get('trait') -%}
                {%- do headwater._note_two_comparisons(context, one, other, number, place) -%}
            {%- elif kind == 'all' and 'did' in one and one.get('did') == other.get('did') -%}
                {%- set amounts = ['at_least', 'at_most', 'exactly'] -%}
                {%- set low, high = headwater._amounts_of(one), headwater._amounts_of(other) -%}
                {%- if headwater._rest(one, amounts) == headwater._rest(other, amounts) and (low[0] > high[1] or high[0] > low[1]) -%}
                    {%- do headwater.note_problem(context, place, "contradicts condition " ~ number ~ " beside it: nobody did " ~ one['did'] ~ " as often as both say") -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _amounts_of(condition) -%}
    {%- for key in ['at_least', 'at_most', 'exactly'] if key in condition and condition[key] is not integer -%}
        {{ return((0, 1000000000)) }}
    {%- endfor -%}
    {%- if 'exactly' in condition -%}
        {{ return((condition['exactly'], condition['exactly'])) }}
    {%- endif -%}
    {{ return((condition.get('at_least', 0 if 'at_most' in condition else 1), condition.get('at_most', 1000000000))) }}
{%- endmacro %}

{#- Nothing: notes two comparisons of one trait that no value meets; what each says is true of the same row. -#}
{% macro _note_two_comparisons(context, one, other, number, path) -%}
    {%- set wanted = {} -%}
    {%- for condition in [one, other] -%}
        {%- for operator, value in condition.items() if operator in ['equals', 'in'] and value is not mapping -%}
            {%- set values = [value] if operator == 'equals' else value if value is iterable and value is not string else [] -%}
            {%- do wanted.update({wanted | length: values | list}) if values -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if wanted | length == 2 and not wanted[0] | select('in', wanted[1]) | list -%}
        {%- do headwater.note_problem(context, path, "contradicts condition " ~ number ~ " beside it: no " ~ one['trait'] ~ " is both; put them under any: if one of them will do") -%}
        {{ return('') }}
    {%- endif -%}
    {%- set both = headwater._rest(one, ['trait']) -%}
    {%- if other | reject('equalto', 'trait') | select('in', both) | list -%}
        {{ return('') }}
    {%- endif -%}
    {%- do both.update(headwater._rest(other, ['trait'])) -%}
    {%- set found = {'problems': [], 'zone': context.zone} -%}
    {%- do headwater.note_contradictions(found, both, path) -%}
    {%- for problem in found.problems -%}
        {%- do context.problems.append(problem ~ " (with condition " ~ number ~ " beside it)") -%}
    {%- endfor -%}
{%- endmacro %}
