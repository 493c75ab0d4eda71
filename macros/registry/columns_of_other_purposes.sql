{#- Messages are added to `problems`: columns of groups of traits that are for some purposes alone (`config: meta: purposes:` of the column), and a
    sync that asks for consent to another uses one, by whichever model between. A use is the column's name in an audience's or journey's
    definition, or as a word in a model's SQL. -#}
{% macro note_columns_of_other_purposes(problems, nodes, lists) -%}
    {%- set bound = headwater._bound_columns(problems, nodes, lists) -%}
    {%- for exposure in (graph.exposures.values() if bound else []) -%}
        {%- set sync = (exposure.config.get('meta') or {}).get('sync') -%}
        {%- for id in exposure.depends_on.nodes if sync is mapping and id in graph.nodes -%}
            {%- set node = graph.nodes[id] -%}
            {%- set consent = sync.get('consent') or ((node.config.get('meta') or {}).get('activation') or {}).get('consent') or {} -%}
            {%- set purpose = consent.get('purpose') -%}
            {%- set above = headwater._with_ancestors(id) if purpose else [] -%}
            {%- for name, group in (bound.items() if purpose else []) if purpose not in group.purposes -%}
                {%- for user in headwater._users_of(name, above, group.apart) -%}
                    {%- do problems.append(user.original_file_path ~ ": '" ~ name ~ "' is used, and sync '" ~ exposure.name ~ "' (" ~ exposure.original_file_path
                        ~ ") sends what comes of it for " ~ purpose ~ headwater._way_of(user.unique_id, id) ~ ': ' ~ group.model ~ ' has it for ' ~ group.purposes | join(', ')
                        ~ ' alone. Take it out there, or add ' ~ purpose ~ ' to its purposes. See docs/consent.md.') -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- Value: the same messages, of a project as dbt has read it: what `sync validate` asks without a build. -#}
{% macro columns_of_other_purposes() -%}
    {%- set problems, nodes, lists = [], {}, {} -%}
    {%- for kind in ['traits', 'account_traits', 'product_line_traits'] -%}
        {%- do lists.update({kind: headwater.registry(kind)}) -%}
        {%- for name in lists[kind] if headwater.node_named(name) -%}
            {%- do nodes.update({name: headwater.node_named(name)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do headwater.note_columns_of_other_purposes(problems, nodes, lists) -%}
    {{ return(problems) }}
{%- endmacro %}

{#- Text: the models by which one leads to another, the shortest way; nothing where they are the same. -#}
{% macro _way_of(first, last) -%}
    {%- set found, waiting = {last: none}, [last] -%}
    {%- for _ in range(10000) -%}
        {%- if waiting -%}
            {%- set here = waiting.pop(0) -%}
            {%- for parent in (graph.nodes[here].depends_on.nodes if here in graph.nodes else []) -%}
                {%- if parent not in found -%}
                    {%- do found.update({parent: here}) -%}
                    {%- do waiting.append(parent) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set way, at = [], namespace(id=first) -%}
    {%- for _ in range(found | length) -%}
        {%- if at.id is not none -%}
            {%- do way.append(graph.nodes[at.id].name) -%}
            {%- set at.id = found.get(at.id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(', by ' ~ way | join(' > ') if way | length > 1 else '') }}
{%- endmacro %}

{#- Value: {column: {model, purposes, apart}} of the columns that have purposes; `apart` are the ids of the model and of all above it. -#}
{% macro _bound_columns(problems, nodes, lists) -%}
    {%- set bound, known = {}, headwater.consent_purposes() -%}
    {%- for name in lists.traits + lists.account_traits + lists.product_line_traits if name in nodes -%}
        {%- set node = nodes[name] -%}
        {%- for column in node.columns.values() -%}
            {%- set meta = (column.get('config') or {}).get('meta') or column.get('meta') or {} -%}
            {%- if 'purposes' in meta -%}
                {%- set told = meta['purposes'] -%}
                {%- set where = node.original_file_path ~ ', ' ~ name ~ ', column ' ~ column.name ~ ', meta: purposes' -%}
                {%- if told is string or told is mapping or told is not sequence or not told -%}
                    {%- do problems.append(where ~ ': wants a list of purposes, such as [service].') -%}
                {%- else -%}
                    {%- for word in told if word not in known -%}
                        {%- do problems.append(where ~ ": '" ~ word ~ "' is not one of " ~ known | join(', ') ~ headwater.nearest(word, known) ~ '.') -%}
                    {%- endfor -%}
                    {%- do bound.update({column.name | lower: {'model': name, 'purposes': told, 'apart': headwater._with_ancestors(node.unique_id)}}) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(bound) }}
{%- endmacro %}

{#- Value: the team's nodes of these ids that name the column, but for those in `apart`. -#}
{% macro _users_of(column, ids, apart) -%}
    {%- set users = [] -%}
    {%- set word = '(?s).*(^|[^a-z0-9_])' ~ column ~ '([^a-z0-9_]|$).*' -%}
    {%- for one in ids if one in graph.nodes and one not in apart -%}
        {%- set node = graph.nodes[one] -%}
        {%- set is_engine = node.package_name == 'headwater' and 'models/engine/' in node.original_file_path -%}
        {%- set meta = node.config.get('meta') or {} -%}
        {%- set said = (node.raw_code or '') ~ ' ' ~ (meta.get('audience') or '') ~ ' ' ~ (meta.get('journey') or '') -%}
        {%- if node.resource_type == 'model' and not is_engine and modules.re.fullmatch(word, said | lower) -%}
            {%- do users.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(users) }}
{%- endmacro %}

{#- Value: the ids of a node and of everything above it. -#}
{% macro _with_ancestors(id) -%}
    {%- set found, waiting = [], [id] -%}
    {%- for _ in range(10000) -%}
        {%- if waiting -%}
            {%- set next = waiting.pop() -%}
            {%- if next not in found -%}
                {%- do found.append(next) -%}
                {%- do waiting.extend(graph.nodes[next].depends_on.nodes if next in graph.nodes else []) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
