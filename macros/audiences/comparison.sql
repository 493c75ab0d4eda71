{#- Expression, boolean and never null: a column compared as a mapping of operators says, all of them at once.
    `column` is an SQL expression; `type` is text, number, boolean, time, or none where it is not known; `operators` is {equals, not_equals,
    in, not_in, contains, starts_with, between, is_null, ">", ">=", "<", "<=", within, older_than, before, on_or_after: value}; `path` is
    where it stands. Mistakes are noted in `context.problems`. -#}
{% macro comparison(context, column, type, operators, path, previous=none) -%}
    {%- set allowed = headwater.definition_keys('operators') -%}
    {%- if operators is not mapping or not operators -%}
        {%- do headwater.note_problem(context, path, "wants a comparison, one of " ~ allowed | join(', ')) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- do headwater.note_unknown_keys(context, operators, allowed, path) -%}
    {%- set count = context.problems | length -%}
    {%- set parts = [] -%}
    {%- if 'any_case' in operators -%}
        {%- if operators['any_case'] is not true or (type or 'text') != 'text' or operators | length < 2 -%}
            {%- do headwater.note_problem(context, path ~ '.any_case', "wants true, beside a comparison with a text") -%}
        {%- endif -%}
        {%- set column = 'lower(' ~ column ~ ')' -%}
        {%- set operators = headwater.in_lower_case(headwater._rest(operators, ['any_case'])) -%}
    {%- endif -%}
    {%- for operator, value in operators.items() if operator in allowed -%}
        {%- do parts.append(headwater._compared(context, column, type, operator, value, path ~ '.' ~ operator, previous)) -%}
    {%- endfor -%}
    {%- if context.problems | length == count -%}
        {%- do headwater.note_contradictions(context, operators, path) -%}
    {%- endif -%}
    {{ return('coalesce(' ~ parts | join(' and ') ~ ', false)') }}
{%- endmacro %}

{#- Value: operators with their texts in small letters. -#}
{% macro in_lower_case(operators) -%}
    {%- set told = {} -%}
    {%- for operator, value in operators.items() -%}
        {%- set listed = [] -%}
        {%- for one in (value if value is iterable and value is not string and value is not mapping else []) -%}
            {%- do listed.append(one | lower if one is string else one) -%}
        {%- endfor -%}
        {%- do told.update({operator: value | lower if value is string else listed or value}) -%}
    {%- endfor -%}
    {{ return(told) }}
{%- endmacro %}

{% macro _compared(context, column, type, operator, value, path, previous=none) -%}
    {%- set kinds = {
        'contains': ['text'], 'starts_with': ['text'], 'ends_with': ['text'], '>': ['number', 'time', 'text'], '>=': ['number', 'time', 'text'],
        '<': ['number', 'time', 'text'], '<=': ['number', 'time', 'text'], 'between': ['number', 'time', 'text'],
        'within': ['time'], 'older_than': ['time'], 'before': ['time'], 'on_or_after': ['time'],
        'within_next': ['time'], 'during': ['time'], 'anniversary': ['time'], 'age': ['time'], 'rank': ['number', 'time'], 'tile': ['number', 'time'],
        'includes': ['list'],
    } -%}
    {%- if type and type not in kinds.get(operator, [type]) -%}
        {%- do headwater.note_problem(context, path, "is for a column of " ~ kinds[operator] | join(' or ') ~ ", and this one is of " ~ type) -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set value = headwater.told_in_days(value, operator == 'within_next') if operator in ['within', 'older_than', 'within_next'] else value -%}
    {%- if operator in ['within_next', 'during', 'anniversary', 'age'] -%}
        {{ return(headwater.date_comparison(context, column, operator, value, path)) }}
    {%- endif -%}
    {%- if operator == 'includes' -%}
        {{ return(headwater.list_includes(column, headwater.audience_literal(context, value, none, path))) }}
    {%- elif operator in ['rank', 'tile'] -%}
        {{ return(headwater.rank_comparison(context, column, operator, value, path)) }}
    {%- elif value is mapping and operator in ['equals', 'not_equals', '>', '>=', '<', '<=', 'before', 'on_or_after'] -%}
        {%- set sign = {'equals': '=', 'not_equals': '<>', 'before': '<', 'on_or_after': '>='}.get(operator, operator) -%}
        {%- set type = 'time' if operator in ['before', 'on_or_after'] else type -%}
        {{ return((headwater._instant(column) if type == 'time' else column) ~ ' ' ~ sign ~ ' ' ~ headwater.operand(context, column, value, type, path, previous)) }}
    {%- endif -%}
    {%- set told_column = column -%}
    {%- set is_date = type == 'time' and headwater._is_date(context, column) -%}
    {%- if is_date and operator in ['within', 'older_than'] -%}
        {{ return(headwater.date_from_now(context, column, operator, value, path)) }}
    {%- endif -%}
    {%- set value = headwater.whole_day(context, value, operator == 'between') if is_date else value -%}
    {%- set column = headwater._instant(column) if type == 'time' and operator != 'is_null' else column -%}
    {%- if operator in ['equals', 'not_equals', '>', '>=', '<', '<='] -%}
        {%- if type == 'time' and operator in ['equals', 'not_equals'] and value in ['today', 'yesterday', 'tomorrow', 'now'] and not headwater._is_date(context, told_column) -%}
            {%- do headwater.note_problem(context, path, "is one instant, the first of that day, which a time hardly ever is; for the whole day say during: " ~ (value if value != 'now' else 'today')) -%}
        {%- endif -%}
        {%- set sign = {'equals': '=', 'not_equals': '<>'}.get(operator, operator) -%}
        {{ return(column ~ ' ' ~ sign ~ ' ' ~ headwater.audience_literal(context, value, type, path)) }}
    {%- elif operator in ['in', 'not_in', 'between'] -%}
        {%- if value is string or value is mapping or value is not iterable or not value or (operator == 'between' and value | length != 2) -%}
            {%- do headwater.note_problem(context, path, "wants [lowest, highest]" if operator == 'between' else "wants a list such as [DE, FR]") -%}
            {{ return('false') }}
        {%- endif -%}
        {%- set listed = [] -%}
        {%- for one in value -%}
            {%- set one = headwater.moment(context, one, bare=true) or one if operator == 'between' and type == 'time' else one -%}
            {%- do listed.append(headwater.audience_literal(context, one, type, path ~ '[' ~ loop.index ~ ']')) -%}
        {%- endfor -%}
        {%- if operator == 'between' -%}
            {{ return(column ~ ' between ' ~ listed | join(' and ')) }}
        {%- endif -%}
        {{ return(column ~ (' not in (' if operator == 'not_in' else ' in (') ~ listed | join(', ') ~ ')') }}
    {%- elif operator in ['contains', 'starts_with', 'ends_with'] -%}
        {#- Position, not LIKE: a percent sign in the text is a percent sign. Of a list one will do. -#}
        {%- set tests = [] -%}
        {%- for one in (value if value is iterable and value is not string and value is not mapping and value else [value]) -%}
            {%- set text = headwater.audience_literal(context, one, 'text', path) -%}
            {%- set length = one | string | length -%}
            {%- do tests.append(
                dbt.position(text, column) ~ ' > 0' if operator == 'contains' else 'substr(' ~ column ~ ', 1, ' ~ length ~ ') = ' ~ text if operator == 'starts_with'
                else '(length(' ~ column ~ ') >= ' ~ length ~ ' and substr(' ~ column ~ ', length(' ~ column ~ ') - ' ~ (length - 1) ~ ', ' ~ length ~ ') = ' ~ text ~ ')'
            ) -%}
        {%- endfor -%}
        {{ return(tests[0] if tests | length == 1 else '(' ~ tests | join(' or ') ~ ')') }}
    {%- elif operator == 'is_null' -%}
        {%- if value is not boolean -%}
            {%- do headwater.note_problem(context, path, "wants true or false, without quotes, not '" ~ value ~ "'") -%}
        {%- endif -%}
        {{ return(column ~ (' is null' if value else ' is not null')) }}
    {%- endif -%}
    {%- set instant = column if type == 'time' else headwater._instant(column) -%}
    {%- if operator == 'within' -%}
        {{ return(instant ~ ' >= ' ~ headwater._ago(context, value, path, least=1) ~ ' and ' ~ instant ~ ' <= ' ~ headwater.cdp_now()) }}
    {%- elif operator == 'older_than' -%}
        {{ return(instant ~ ' < ' ~ headwater._ago(context, value, path)) }}
    {%- endif -%}
    {{ return(instant ~ (' < ' if operator == 'before' else ' >= ') ~ headwater.audience_literal(context, value, 'time', path)) }}
{%- endmacro %}

{#- Nothing: notes comparisons of one column that nothing can meet together. -#}
{% macro note_contradictions(context, operators, path) -%}
    {%- set given = {} -%}
    {%- for operator, value in operators.items() if value is not mapping -%}
        {%- if operator in ['in', 'not_in', 'between'] -%}
            {%- set values = [] -%}
            {%- for one in value -%}
                {%- do values.append(headwater.moment(context, one, bare=operator == 'between') or one) -%}
            {%- endfor -%}
            {%- do given.update({operator: values}) -%}
        {%- else -%}
            {%- do given.update({operator: headwater.moment(context, value) or value}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set lows = [] -%}
    {%- set highs = [] -%}
    {#- Each bound: value, and whether the value itself is outside. -#}
    {%- for operator in ['>', '>=', 'on_or_after'] if operator in given -%}
        {%- do lows.append([given[operator], operator == '>']) -%}
    {%- endfor -%}
    {%- for operator in ['<', '<=', 'before'] if operator in given -%}
        {%- do highs.append([given[operator], operator != '<=']) -%}
    {%- endfor -%}
    {%- if 'between' in given -%}
        {%- do lows.append([given['between'][0], false]) -%}
        {%- do highs.append([given['between'][1], false]) -%}
    {%- endif -%}
    {%- set wrong = [] -%}
    {%- for low, low_is_out in lows -%}
        {%- for high, high_is_out in highs if (low is number) == (high is number) and (low > high or (low == high and (low_is_out or high_is_out))) -%}
            {%- do wrong.append("nothing is from " ~ low ~ " up to " ~ high) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set wanted = [given['equals']] if 'equals' in given else given.get('in') -%}
    {%- if wanted is not none and wanted is defined -%}
        {%- set left = [] -%}
        {%- for one in wanted
            if one not in given.get('not_in', []) and ('not_equals' not in given or one != given['not_equals'])
            and ('in' not in given or one in given['in']) -%}
            {%- set is_out = namespace(found=false) -%}
            {%- for low, low_is_out in lows if (low is number) == (one is number) and (one < low or (one == low and low_is_out)) -%}
                {%- set is_out.found = true -%}
            {%- endfor -%}
            {%- for high, high_is_out in highs if (high is number) == (one is number) and (one > high or (one == high and high_is_out)) -%}
                {%- set is_out.found = true -%}
            {%- endfor -%}
            {%- if not is_out.found -%}
                {%- do left.append(one) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not left -%}
            {%- do wrong.append("no value meets " ~ operators | join(' and ') ~ " at once") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if given.get('is_null') is true and operators | length > 1 -%}
        {%- do wrong.append("an absent value meets no other comparison; put is_null: true beside it, under any:") -%}
    {%- endif -%}
    {%- set within, older = headwater.minutes_of(headwater.told_in_days(given.get('within'))), headwater.minutes_of(headwater.told_in_days(given.get('older_than'))) -%}
    {%- if within is not none and older is not none and within <= older -%}
        {%- do wrong.append("nothing is within " ~ given['within'] ~ " and older than " ~ given['older_than']) -%}
    {%- endif -%}
    {%- for problem in wrong -%}
        {%- do headwater.note_problem(context, path, "these contradict each other: " ~ problem) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _instant(column) -%}
    {{ return('cast(' ~ column ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{%- endmacro %}

{#- Expression: a constant of a definition as a value of a type; text is escaped for the warehouse, an instant is in UTC. -#}
{% macro audience_literal(context, value, type, path) -%}
    {%- if value is none or value is mapping or (value is iterable and value is not string) -%}
        {%- do headwater.note_problem(context, path, "wants one value; for an absent one say is_null: true") -%}
        {{ return('null') }}
    {%- elif value is string and not value.strip() -%}
        {%- do headwater.note_problem(context, path, "is an empty text, which no column holds; for a value that is absent say is_null: true, for one that is there is_null: false") -%}
        {{ return('null') }}
    {%- endif -%}
    {%- set kind = 'boolean' if value is boolean else 'number' if value is number else 'text' -%}
    {%- if type == 'time' -%}
        {%- set instant = headwater.moment(context, value) -%}
        {%- if not instant -%}
            {%- do headwater.note_problem(context, path, "'" ~ value ~ "' is no date or time; write 2026-11-23, \"2026-11-23 09:30:00\" (UTC) or \"2026-11-23 09:30:00+02:00\", "
                ~ "or now, today, 30 days ago, in 30 days") -%}
        {%- endif -%}
        {{ return(headwater.timestamp_literal(instant)) }}
    {%- elif type and type != kind -%}
        {%- set written = (value | string | lower) if kind == 'boolean' else value | string -%}
        {%- set wanted = {
            'text': "is compared with a text, so quote it: '" ~ written ~ "'",
            'number': "is compared with a number, so write one, without quotes and in plain digits",
            'boolean': "is compared with true or false, so write one of them, without quotes",
        } -%}
        {%- do headwater.note_problem(context, path, '`' ~ written ~ '` ' ~ wanted[type]) -%}
    {%- endif -%}
    {{ return((value | string | lower) if kind == 'boolean' else (value | string) if kind == 'number' else headwater.string_literal(value)) }}
{%- endmacro %}

{#- Text: 'YYYY-MM-DD HH:MM:SS' in UTC of a date or time as people write it, with its offset if it has one; none for anything else. -#}
{% macro utc_instant(value) -%}
    {%- set found = modules.re.fullmatch(
        '([1-9][0-9]{3})-([0-9]{2})-([0-9]{2})(?:[T ]+([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]{1,6}))?)? ?(?:(Z|UTC)|([+-])([0-9]{2}):?([0-9]{2})?)?)?', value
    ) if value is string else none -%}
    {%- if not found -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set year, month, day = found[1] | int, found[2] | int, found[3] | int -%}
    {%- set hour, minute, second = (found[4] or '0') | int, (found[5] or '0') | int, (found[6] or '0') | int -%}
    {%- set ahead_hours, ahead_minutes = (found[10] or '0') | int, (found[11] or '0') | int -%}
    {%- set days = [31, 29 if headwater._is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {%- if month < 1 or month > 12 or day < 1 or day > days[month - 1] or hour > 23 or minute > 59 or second > 59
        or ahead_hours > 14 or ahead_minutes > 59 or year < 1001 or year > 9998 -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set ahead = (ahead_hours * 60 + ahead_minutes) * (-1 if found[9] == '-' else 1) -%}
    {%- set instant = modules.datetime.datetime(year, month, day, hour, minute, second, ((found[7] or '') ~ '000000')[:6] | int) - modules.datetime.timedelta(minutes=ahead) -%}
    {{ return(instant | string) }}
{%- endmacro %}

{#- Expression: the instant a duration such as "90 days" before now; a wrong one stops the parse. -#}
{% macro audience_ago(text, path) -%}
    {%- set duration = headwater.audience_duration(text, path) -%}
    {{ return(headwater.timestamp_add(headwater.cdp_now(), '-' ~ duration.amount, duration.unit)) }}
{%- endmacro %}

{#- The same, which only notes a mistake. -#}
{% macro _ago(context, text, path, least=0) -%}
    {%- set problem = headwater._duration_problem(text, least) -%}
    {%- if problem -%}
        {%- do headwater.note_problem(context, path, problem) -%}
        {{ return('null') }}
    {%- endif -%}
    {{ return(headwater.audience_ago(text, path)) }}
{%- endmacro %}

{#- Value: {amount, unit} of a duration such as "90 days"; units are minutes, hours, days and weeks. -#}
{% macro audience_duration(text, path) -%}
    {%- set problem = headwater._duration_problem(text) -%}
    {%- if problem -%}
        {{ headwater.audience_error(path, problem) }}
    {%- endif -%}
    {%- set words = text.split() -%}
    {%- set amount = words[0] | int -%}
    {{ return({'amount': amount * 7, 'unit': 'day'} if words[1].startswith('week') else {'amount': amount, 'unit': words[1].rstrip('s')}) }}
{%- endmacro %}

{% macro _duration_problem(text, least=0) -%}
    {%- set found = modules.re.fullmatch('([0-9]{1,7}) +(minute|hour|day|week)s?', text) if text is string else none -%}
    {%- if not found or headwater.minutes_of(text) > 100 * 366 * 1440 -%}
        {{ return("'" ~ text ~ "' is no duration; write 90 days, 12 hours, 30 minutes or 2 weeks, of at most 100 years" ~ (" (months and years are of different length: they are for times counted from now, within, older_than, between and ago)"
            if text is string and modules.re.fullmatch('[0-9]+ +(month|year)s?', text) else '')) }}
    {%- elif found[1] | int < least -%}
        {{ return("'" ~ text ~ "' holds nothing; write " ~ least ~ " or more") }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{#- Value: the minutes of a duration, none for anything else. -#}
{% macro minutes_of(text) -%}
    {%- set found = modules.re.fullmatch('([0-9]{1,7}) +(minute|hour|day|week)s?', text) if text is string else none -%}
    {{ return(found[1] | int * {'minute': 1, 'hour': 60, 'day': 1440, 'week': 10080}[found[2]] if found else none) }}
{%- endmacro %}
