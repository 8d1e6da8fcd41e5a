"""Which checks a broken server fails: exactly these. A check that fails for another's defect says what is not so."""

from __future__ import annotations

from collections.abc import Mapping

EXPECTED: Mapping[str, str] = {
    "WrapsIntegers": """
        values.integer_too_large values.integer_of_2_to_the_40 values.integer_too_small
        values.number_of_a_thousand_digits grpc-refused.values_beyond_a_small_type""",
    "AnswersAllOutputs": """
        inference.one_output inference.outputs_in_order inference.unknown_output inference.output_twice
        binary.one_output_as_bytes binary.bytes_of_one_output_alone binary.output_overrides_all
        binary.output_overrides_none concurrency.own_outputs grpc.one_output grpc-refused.unknown_output""",
    "TakesAnyDatatype": """
        bodies.error_names_the_input tensors.unknown_datatype tensors.datatype_in_small_letters
        bytes-refused.another_datatype_of_bytes concurrency.wrong_among_right grpc-refused.unknown_datatype
        agreement.bytes_refuse_what_json_refuses agreement.grpc_refuses_what_json_refuses""",
    "TakesTwice": "tensors.twice grpc-refused.input_twice",
    "TakesMinusOne": """
        tensors.negative_dimension bytes-refused.negative_shape_of_bytes grpc-refused.wrong_shapes
        agreement.bytes_refuse_what_json_refuses agreement.grpc_refuses_what_json_refuses""",
    "SaysNothingAboutHealth": "health.live_body health.ready_body health.model_ready_body",
    "FailsOnBrokenJson": """
        bodies.empty_body bodies.cut_json bodies.words bodies.more_behind bodies.trailing_comma bodies.single_quotes
        bodies.deep_lists bodies.deep_data bodies.deep_parameters bodies.not_utf8 bodies.utf16
        bodies.control_character bodies.odd_numbers values.number_of_a_thousand_digits values.nan values.infinity
        transport.kept_alive_after_an_error bytes-refused.header_of_zero bytes-refused.header_inside_the_json
        bytes-refused.header_inside_the_bytes bytes-refused.without_the_header compression.empty_compressed""",
    "ReadsNaN": "values.nan values.infinity",
    "LosesTheId": """
        inference.id_comes_back inference.id_in_any_script bodies.long_id transport.kept_alive transport.pipelined
        binary.id_beside_bytes concurrency.own_answers concurrency.one_id_for_many concurrency.long_connections""",
    "KeepsTheId": "inference.id_is_not_kept",
    "RefusesNested": "inference.nested_data inference.nested_rows agreement.flat_and_nested",
    "FlattensAnything": "values.nesting_against_the_shape",
    "TakesBooleansForNumbers": "values.boolean_in_numbers",
    "ReadsNumbersInStrings": "values.nesting_against_the_shape values.string_in_numbers",
    "CutsFractions": "values.fraction_in_integers",
    "TakesInfinity": "values.float_too_large",
    "CountsIn64Bits": "tensors.huge_dimension tensors.dimension_beyond_64_bits tensors.product_that_wraps",
    "LeavesBytesOver": "bytes-refused.bytes_left_over",
    "FillsUpBytes": "bytes-refused.size_below_the_shape grpc-refused.size_of_raw_contents",
    "ReadsBytesBackwards": """
        binary.inputs_as_bytes binary.each_input_as_bytes binary.rows_as_bytes binary.order_of_bytes
        binary.bytes_at_any_place binary.header_in_small_letters binary.bytes_in_and_out compression.bytes_in_gzip
        concurrency.bytes_among_json grpc.raw_contents grpc.rows_in_raw_contents grpc.one_output
        grpc.unknown_parameters grpc.order_of_inputs grpc.unknown_metadata grpc.compressed grpc.own_answers
        grpc.time_enough grpc-refused.no_message grpc-refused.no_time grpc-refused.cancelled
        agreement.json_and_bytes_row_by_row agreement.json_and_bytes_together agreement.json_and_raw
        agreement.all_forms_of_many_rows""",
    "PrefersTheRequest": "binary.output_overrides_all binary.output_overrides_none",
    "IgnoresCodings": "compression.unknown_coding compression.unknown_coding_415",
    "FailsOnCodings": """
        compression.request_in_gzip compression.request_in_deflate compression.compressed_is_read_or_refused
        compression.unknown_coding compression.unknown_coding_415 compression.not_compressed
        compression.cut_compressed compression.wrong_checksum compression.empty_compressed compression.bomb
        compression.bytes_in_gzip""",
    "AlwaysCompresses": "compression.accepts_deflate compression.accepts_nothing",
    "RemembersTheFirst": "inference.rows_do_not_mix",
    "TurnsRows": "inference.rows_do_not_mix",
    "ForgetsARow": "inference.many_rows",
    "IgnoresVersions": """
        versions.unknown_version versions.unknown_version_404 versions.unknown_version_metadata
        versions.unknown_version_readiness versions.odd_versions grpc-refused.unknown_version""",
    "SaysBadRequest": """
        health.unknown_model_metadata_404 health.unknown_path health.path_with_more versions.unknown_version_404
        versions.unknown_model_404""",
    "NamesNoInput": "bodies.error_names_the_input",
    "ShowsTheStack": "bodies.error_tells_nothing_of_the_server",
    "RefusesUnknownMembers": "inference.unknown_members",
    "SortsOutputs": "inference.outputs_in_order",
    "IgnoresExtraInputs": "tensors.one_more",
    "AnswersInText": """
        health.metadata_content_type inference.content_type bodies.error_content_type binary.content_type_of_bytes""",
    "SaysOk": "health.live_body health.ready_body health.model_ready_body health.health_bodies_are_json",
    "HidesTheExtension": "binary.extension_is_listed",
    "TakesBothContents": "grpc-refused.raw_and_typed",
    "NamesItselfDifferently": "grpc.server_metadata",
    "ForgetsOutputs": "grpc.one_output grpc-refused.unknown_output",
    "ReadyForAnything": "grpc.unknown_model_is_not_ready",
    "AnswersAnyMethod": "grpc-refused.unknown_method",
    "ClosesEveryTime": """
        transport.kept_alive transport.kept_alive_after_an_error transport.pipelined transport.body_of_a_get
        concurrency.long_connections""",
    "FailsOnFraming": "transport.length_that_is_none transport.two_lengths transport.broken_chunks",
    "TakesTheLastLength": "transport.two_lengths",
    "ReadsNoChunks": "transport.chunked_body",
}


def expected(name: str) -> set[str]:
    return set(EXPECTED[name].split())
