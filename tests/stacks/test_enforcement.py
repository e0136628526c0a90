"""The Enforcement stack: functions, machine, mappings, schedule and outputs."""

import importlib
import json
import re
from typing import Any

import pytest
from support.stack_variants import FUNCTION, Variant

from stacks.enforcement import DEFINITION
from stacks.permissions import RUNGS, STEPS

MAPPING = "AWS::Lambda::EventSourceMapping"
OF_TRANSPORT = {
    "kafka": {"TRANSPORT", "KAFKA_BOOTSTRAP", "KAFKA_AUTH"},
    "kinesis": {"TRANSPORT", "STREAM_PREFIX"},
}


def function_of(variant: Variant, step: str) -> dict[str, Any]:
    return variant.enforcement.one(FUNCTION, step.title())


@pytest.mark.parametrize("step", STEPS)
def test_function_is_arm_python_with_a_log_group_of_its_own(variant: Variant, step: str) -> None:
    function = function_of(variant, step)
    assert function["FunctionName"] == f"{variant.settings.prefix}-{step}"
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert (function["MemorySize"], function["Timeout"]) == (256, 30)
    group = function["LoggingConfig"]["LogGroup"]["Ref"]
    found = variant.enforcement.of_type("AWS::Logs::LogGroup")[group]["Properties"]
    assert found["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"
    assert found["RetentionInDays"] == {"class": 7, "prod": 365}[variant.settings.profile]


@pytest.mark.parametrize("step", STEPS)
def test_handler_string_names_a_function(assembly: Variant, step: str) -> None:
    module, _, name = function_of(assembly, step)["Handler"].rpartition(".")
    assert module == f"functions.{step}"
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("step", STEPS)
def test_function_is_given_the_variables_it_uses(variant: Variant, step: str) -> None:
    settings = variant.settings
    expected = set(STEPS[step].variables)
    if STEPS[step].produces:
        expected |= OF_TRANSPORT[settings.transport]
    if step == "router" and (settings.transport, settings.esm_mode) == ("kafka", "on-demand"):
        expected |= {"UNROUTED_QUEUE_URL"}
    assert set(function_of(variant, step)["Environment"]["Variables"]) == expected


def test_parameters_reach_the_functions(assembly: Variant) -> None:
    parameters = assembly.enforcement.template["Parameters"]
    assert parameters["LadderSpeed"]["Default"] == "1"
    assert parameters["KafkaAuth"]["AllowedValues"] == ["none", "iam"]
    bootstrap = parameters["KafkaBootstrap"]
    assert bootstrap["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert bootstrap["Default"] == "/marginwatch/ka-class-on/kafka-bootstrap"
    variables = function_of(assembly, "publisher")["Environment"]["Variables"]
    assert variables["KAFKA_BOOTSTRAP"] == {"Ref": "KafkaBootstrap"}
    assert variables["KAFKA_AUTH"] == {"Ref": "KafkaAuth"}
    rung = function_of(assembly, "call")["Environment"]["Variables"]
    assert rung["LADDER_SPEED"] == {"Ref": "LadderSpeed"}


def test_only_what_sends_to_kafka_is_in_the_network(variant: Variant) -> None:
    placed = {step for step in STEPS if "VpcConfig" in function_of(variant, step)}
    senders = {step for step in STEPS if STEPS[step].produces}
    assert placed == (senders if variant.settings.transport == "kafka" else set())
    for step in placed:
        home = f"{{{{resolve:ssm:/marginwatch/{variant.settings.student}"
        assert function_of(variant, step)["VpcConfig"] == {
            "SubnetIds": [f"{home}/subnet-a}}}}", f"{home}/subnet-b}}}}"],
            "SecurityGroupIds": [f"{home}/clients-group}}}}"],
        }


def test_machine_is_the_definition_file_with_every_name_filled_in(assembly: Variant) -> None:
    machine = assembly.enforcement.one("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert json.loads(machine["DefinitionString"]) == json.loads(DEFINITION.read_text())
    names = set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    assert names == set(machine["DefinitionSubstitutions"])
    for step in RUNGS:
        target = machine["DefinitionSubstitutions"][f"{step.title()}Arn"]["Fn::GetAtt"]
        assert target[0].startswith(f"{step.title()}Function")


def test_machine_is_traced_and_logs_no_account_data(variant: Variant) -> None:
    machine = variant.enforcement.one("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineName"] == f"{variant.settings.prefix}-enforcement"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_publisher_is_fed_new_outbox_rows_only(variant: Variant) -> None:
    mapping = variant.enforcement.one(MAPPING, "Outbox")
    assert mapping["FunctionName"]["Ref"].startswith("PublisherFunction")
    assert mapping["EventSourceArn"] == {"Ref": "AccountsStreamArn"}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] == 3
    (given,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(given["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUT#"}]}}},
    }


def test_router_is_fed_what_is_enforced_and_unless_something_else_does(variant: Variant) -> None:
    name = variant.enforcement.named("Assessments", MAPPING)
    mapping = variant.enforcement.of_type(MAPPING)[name]
    assert mapping["Condition"] == "RouterIsFed"
    assert variant.enforcement.template["Conditions"]["RouterIsFed"] == {
        "Fn::Equals": [{"Ref": "FeedRouter"}, "true"]
    }
    assert variant.enforcement.template["Parameters"]["FeedRouter"]["Default"] == "true"
    field = "value" if variant.settings.transport == "kafka" else "data"
    (given,) = mapping["Properties"]["FilterCriteria"]["Filters"]
    assert json.loads(given["Pattern"]) == {field: {"enforce": [True]}}
    assert mapping["Properties"]["StartingPosition"] == "TRIM_HORIZON"


def test_each_source_of_the_router_handles_failures_as_it_can(variant: Variant) -> None:
    """Retries, halving and a destination on shared pollers would be refused, or not heard."""
    mapping = variant.enforcement.one(MAPPING, "Assessments")
    handling = {
        name: mapping.get(name)
        for name in (
            *("BisectBatchOnFunctionError", "FunctionResponseTypes", "MaximumRetryAttempts"),
            *("MaximumRecordAgeInSeconds", "DestinationConfig"),
        )
    }
    settings = variant.settings
    if (settings.transport, settings.esm_mode) == ("kafka", "on-demand"):
        assert set(handling.values()) == {None}
        assert "ProvisionedPollerConfig" not in mapping
        return
    queue = variant.enforcement.named("Unrouted", "AWS::SQS::Queue")
    assert handling == {
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 3600,
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}},
    }
    pollers = {"MaximumPollers": 1, "MinimumPollers": 1, "PollerGroupName": settings.prefix}
    on_kafka = settings.transport == "kafka"
    assert mapping.get("ProvisionedPollerConfig") == (pollers if on_kafka else None)


def test_outbox_and_cases_are_swept_every_minute(variant: Variant) -> None:
    rule = variant.enforcement.one("AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    swept = [target["Arn"]["Fn::GetAtt"][0].partition("Function")[0] for target in rule["Targets"]]
    assert sorted(swept) == ["Publisher", "Sweeper"]


def test_outputs_are_what_the_local_parts_read(variant: Variant) -> None:
    assert set(variant.enforcement.template["Outputs"]) == {
        *("TableName", "AuditBucket", "NoticesTopicArn", "StateMachineArn", "UnroutedQueueUrl"),
        *("RouterName", "PublisherName", "SweeperName"),
    }
