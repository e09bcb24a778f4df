"""Where each language declares names, and which names are never its documents' own.

A *place* says how a name stands in the tree: `PARENT.FIELD`, or `GRANDPARENT.FIELD>PARENT.FIELD`; the field is empty
where the grammar names none. Signs after a place narrow it: `^` the first named child of its parent, `~` begins with a
small letter, `!` the parent has a body (it defines, and does not mention), `@` a member of `self`, `cls` or `this`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_IDENTIFIER = "identifier type_identifier field_identifier"
_PYTHON_BUILT_IN = (
    "abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex "
    "delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr "
    "hash help hex id input int isinstance issubclass iter len list locals map max memoryview min next object "
    "oct open ord pow print property quit range repr reversed round set setattr slice sorted staticmethod str "
    "sum super tuple type vars zip"
)


@dataclass(frozen=True)
class Names:
    """How one language names things; all tuples are written as words of a string."""

    kinds: str
    """Kinds of leaf that are names."""
    declared: str
    """Places at which a document declares a name."""
    mentioned: str = ""
    """Kinds of node in which names are those of others: imports, attributes."""
    not_its_own: str = ""
    """Places at which a document says how it does what others ask for."""
    kept: str = "self cls this super main"
    """Names that the language or its customs give."""
    kept_prefix: str = ""
    """Names that begin so are the language's."""
    raw: str = ""
    """Kinds of leaf that may hold names in a text that the grammar does not divide; all their words are kept."""
    braces: str = ""
    """Kinds of leaf in whose text a name may stand in braces; such names are kept."""
    ignores_case: bool = False
    keeps_capitals: bool = False
    """Whether a name without small letters is one of the surroundings."""


_C_DECLARATORS = " ".join(
    f"{parent}.declarator"
    for parent in (
        *("declaration", "parameter_declaration", "field_declaration", "type_definition", "attributed_declarator"),
        *("function_declarator", "init_declarator", "pointer_declarator", "array_declarator"),
    )
)
_C = Names(
    kinds=f"{_IDENTIFIER} statement_identifier",
    declared=f"{_C_DECLARATORS} parenthesized_declarator. struct_specifier.name! union_specifier.name! "
    "enum_specifier.name! enumerator.name preproc_def.name preproc_function_def.name preproc_params. "
    "labeled_statement.label function_declarator.parameters>parameter_list.",
    raw="preproc_arg",
)
_CPP = replace(
    _C,
    kinds=f"{_C.kinds} namespace_identifier",
    declared=f"{_C.declared} class_specifier.name! alias_declaration.name namespace_definition.name "
    "type_parameter_declaration. optional_type_parameter_declaration.name variadic_type_parameter_declaration. "
    "reference_declarator. optional_parameter_declaration.declarator variadic_declarator. concept_definition.name "
    "lambda_capture_initializer.left structured_binding_declarator. for_range_loop.declarator",
    mentioned="using_declaration",
)
_SCRIPT = (
    "variable_declarator.name function_declaration.name function_expression.name class_declaration.name class.name "
    "generator_function_declaration.name generator_function.name formal_parameters. assignment_pattern.left "
    "rest_pattern. object_pattern. object_assignment_pattern.left pair_pattern.value array_pattern. "
    "arrow_function.parameter method_definition.name for_in_statement.left catch_clause.parameter "
    "labeled_statement.label assignment_expression.left>member_expression.property@ import_specifier.alias"
)
_JAVASCRIPT = Names(
    kinds="identifier property_identifier private_property_identifier shorthand_property_identifier "
    "shorthand_property_identifier_pattern statement_identifier type_identifier",
    declared=f"{_SCRIPT} field_definition.property public_field_definition.name",
    mentioned="import_statement",
    kept="constructor undefined arguments this super exports module require default prototype toString length",
)
_TYPESCRIPT = replace(
    _JAVASCRIPT,
    declared=f"{_SCRIPT} required_parameter.pattern optional_parameter.pattern interface_declaration.name "
    "type_alias_declaration.name enum_declaration.name enum_body.name enum_assignment.name type_parameter.name "
    "mapped_type_clause.name property_signature.name method_signature.name public_field_definition.name "
    "abstract_class_declaration.name abstract_method_signature.name function_signature.name internal_module.name "
    "index_signature.name",
)

NAMES: dict[str, Names] = {
    "python": Names(
        kinds="identifier",
        declared="class_definition.name function_definition.name parameters. lambda_parameters. default_parameter.name "
        "typed_default_parameter.name typed_parameter. list_splat_pattern. dictionary_splat_pattern. assignment.left "
        "augmented_assignment.left pattern_list. tuple_pattern. list_pattern. for_statement.left for_in_clause.left "
        "named_expression.name as_pattern_target. aliased_import.alias global_statement. "
        "assignment.left>attribute.attribute@ augmented_assignment.left>attribute.attribute@ "
        "pattern_list.>attribute.attribute@ tuple_pattern.>attribute.attribute@ splat_pattern.",
        mentioned="import_statement import_from_statement future_import_statement",
        kept=f"self cls _ {_PYTHON_BUILT_IN}",
        kept_prefix="__",
    ),
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "java": Names(
        kinds="identifier type_identifier",
        declared="class_declaration.name interface_declaration.name enum_declaration.name record_declaration.name "
        "annotation_type_declaration.name annotation_type_element_declaration.name method_declaration.name "
        "constructor_declaration.name variable_declarator.name formal_parameter.name catch_formal_parameter.name "
        "type_parameter. enum_constant.name enhanced_for_statement.name resource.name lambda_expression.parameters "
        "inferred_parameters. instanceof_expression.name labeled_statement.^",
        mentioned="import_declaration package_declaration",
        kept="this super main toString equals hashCode compareTo",
    ),
    "c": _C,
    "c++": _CPP,
    "cuda": _CPP,
    "go": Names(
        kinds=f"{_IDENTIFIER} label_name",
        declared="const_spec.name var_spec.name type_spec.name type_alias.name field_declaration.name method_elem.name "
        "parameter_declaration.name variadic_parameter_declaration.name type_parameter_declaration.name "
        "function_declaration.name method_declaration.name short_var_declaration.left>expression_list. "
        "range_clause.left>expression_list. type_switch_statement.alias>expression_list. "
        "receive_statement.left>expression_list. labeled_statement.label",
        mentioned="import_declaration",
        kept="main init _ Error String",
    ),
    "rust": Names(
        kinds=f"{_IDENTIFIER} shorthand_field_identifier metavariable",
        declared="mod_item.name! function_item.name function_signature_item.name struct_item.name enum_item.name "
        "union_item.name const_item.name static_item.name type_item.name trait_item.name associated_type.name "
        "enum_variant.name field_declaration.name type_parameter.name const_parameter.name macro_definition.name "
        "lifetime_parameter.name>lifetime. parameter.pattern let_declaration.pattern tuple_pattern.~ mut_pattern. "
        "ref_pattern. tuple_struct_pattern.~ captured_pattern.^ closure_parameters. for_expression.pattern "
        "let_condition.pattern~ match_pattern.~ field_pattern.pattern~ token_binding_pattern.name use_as_clause.alias",
        mentioned="use_declaration extern_crate_declaration attribute_item inner_attribute_item",
        braces="string_content",
    ),
    "ruby": Names(
        kinds="identifier constant instance_variable class_variable global_variable simple_symbol hash_key_symbol",
        declared="module.name class.name method.name singleton_method.name method.name>setter.name method_parameters. "
        "lambda_parameters. block_parameters. block_parameters.locals optional_parameter.name splat_parameter.name "
        "keyword_parameter.name hash_splat_parameter.name block_parameter.name assignment.left "
        "operator_assignment.left left_assignment_list. destructured_left_assignment. destructured_parameter. "
        "rest_assignment. exception_variable. for.pattern alias.name",
        kept="initialize new self to_s to_str each call method_missing inspect name",
    ),
    "php": Names(
        kinds="name",
        declared="variable_name. function_definition.name class_declaration.name interface_declaration.name "
        "trait_declaration.name enum_declaration.name enum_case.name method_declaration.name const_element.",
        mentioned="namespace_definition namespace_use_declaration attribute_list",
        kept="this GLOBALS _GET _POST _COOKIE _FILES _SERVER _SESSION _REQUEST _ENV argc argv",
        kept_prefix="__",
        raw="string_content nowdoc_string",
    ),
    "c#": Names(
        kinds="identifier implicit_parameter",
        declared="class_declaration.name struct_declaration.name interface_declaration.name enum_declaration.name "
        "record_declaration.name delegate_declaration.name enum_member_declaration.name method_declaration.name "
        "constructor_declaration.name destructor_declaration.name property_declaration.name variable_declarator.name "
        "parameter.name parameter_list.name type_parameter.name local_function_statement.name foreach_statement.left "
        "catch_declaration.name declaration_pattern.name tuple_pattern.name lambda_expression.parameters "
        "from_clause.name let_clause.^ labeled_statement.^ declaration_expression.name",
        mentioned="using_directive attribute_list",
        kept="Main this base value ToString Equals GetHashCode Dispose _ var nameof",
    ),
    "shell": Names(
        kinds="variable_name",
        declared="variable_assignment.name variable_assignment.name>subscript.name for_statement.variable "
        "declaration_command.",
        raw="word string_content raw_string ansi_c_string heredoc_body heredoc_content regex extglob_pattern",
        keeps_capitals=True,
    ),
    "sql": Names(
        kinds="identifier",
        declared="create_table.>object_reference.name create_view.>object_reference.name "
        "create_materialized_view.>object_reference.name create_function.>object_reference.name "
        "create_index.column column_definition.name constraint.name term.alias relation.alias cte. "
        "function_argument. function_declaration.",
        mentioned="function_language",
        ignores_case=True,
    ),
    "lua": Names(
        kinds="identifier",
        declared="variable_list.name function_declaration.name parameters.name for_numeric_clause.name "
        "function_declaration.name>dot_index_expression.field function_declaration.name>method_index_expression.method "
        "variable_list.name>dot_index_expression.field@ label_statement.",
        mentioned="attribute",
        kept="self _G _ENV _",
        kept_prefix="__",
    ),
    "scala": Names(
        kinds="identifier type_identifier",
        declared="class_definition.name trait_definition.name object_definition.name enum_definition.name "
        "function_definition.name function_declaration.name val_definition.pattern~ val_declaration.name "
        "var_definition.pattern var_declaration.name type_definition.name type_parameters.name parameter.name "
        "class_parameter.name binding.name enumerator.^ tuple_pattern.~ case_clause.pattern~ "
        "case_class_pattern.pattern~ typed_pattern.pattern capture_pattern.name arrow_renamed_identifier.alias "
        "lambda_expression.parameters simple_enum_case.name full_enum_case.name given_definition.name",
        mentioned="import_declaration package_clause annotation",
        not_its_own="interpolated_string_expression.interpolator",
        kept="this super main apply unapply toString equals hashCode copy _ map flatMap filter foreach",
    ),
    "kotlin": Names(
        kinds="simple_identifier type_identifier interpolated_identifier",
        declared="class_declaration. object_declaration. function_declaration. variable_declaration. class_parameter. "
        "parameter. enum_entry. type_alias. type_parameter. catch_block. import_alias.",
        mentioned="import_header package_header annotation",
        kept="this super main it field value toString equals hashCode",
    ),
    "swift": Names(
        kinds="simple_identifier type_identifier",
        declared="class_declaration.name protocol_declaration.name typealias_declaration.name "
        "function_declaration.name protocol_function_declaration.name associatedtype_declaration.name "
        "pattern.bound_identifier parameter.name lambda_parameter.name if_statement.bound_identifier "
        "guard_statement.bound_identifier while_statement.bound_identifier enum_entry.name type_parameter. "
        "computed_setter. property_declaration.name>pattern.",
        mentioned="import_declaration attribute",
        kept="self Self super init main _ description hash newValue oldValue error",
    ),
    "haskell": Names(
        kinds="variable name constructor",
        declared="function.name bind.name signature.name patterns. data_type.name newtype.name "
        "type_synomym.name class.name data_constructor.constructor>prefix.name "
        "data_constructor.constructor>record.name newtype_constructor.name field.name>field_name. "
        "type_params.bind generator.pattern bind.pattern as.bind alternative.pattern",
        mentioned="import pragma",
        not_its_own="instance_declarations.declaration>function.name instance_declarations.declaration>bind.name "
        "instance.name",
        kept="main return pure",
    ),
}
"""By language. Documents in any other have no rule by which their names could be told from those of others."""
