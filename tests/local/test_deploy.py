import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.deploy import deploy, outputs, stacks_in_order, zipped
from local.emulator import Emulator
from local.errors import FindingError, UsageError

HANDLER = """
import os
def handler(event, context):
    return os.environ["SPEED"]
"""


def write_assembly(folder: Path, table_outputs: Mapping[str, object] | None = None) -> Path:
    """What CDK writes for two stacks, the second one (named first) needing the first."""
    code = folder / "asset.code"
    code.mkdir(parents=True)
    (code / "index.py").write_text(HANDLER)
    key = f"{hashlib.sha256(zipped(code)).hexdigest()}.zip"
    bucket = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
    write(folder / "App.template.json", app_template(key))
    write(folder / "State.template.json", state_template(table_outputs))
    files = {
        "code": asset(code.name, "zip", bucket, key),
        "template": asset("App.template.json", "file", bucket, "app.json"),
    }
    write(folder / "App.assets.json", {"files": files})
    write(folder / "manifest.json", {"artifacts": artifacts()})
    return folder


def asset(path: str, packaging: str, bucket: str, key: str) -> dict[str, object]:
    return {
        "source": {"path": path, "packaging": packaging},
        "destinations": {"current": {"bucketName": bucket, "objectKey": key}},
    }


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def artifacts() -> dict[str, object]:
    def stack(name: str, stack_name: str, *needs: str) -> dict[str, Any]:
        properties = {"templateFile": f"{name}.template.json", "stackName": stack_name}
        return {
            "type": "aws:cloudformation:stack",
            "properties": properties,
            "dependencies": needs,
        }

    app = stack("App", "test-app", "App.assets", "State")
    url = "s3://cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/app.json"
    app["properties"] |= {"stackTemplateAssetObjectUrl": url}
    return {
        "App.assets": {"type": "cdk:asset-manifest", "properties": {"file": "App.assets.json"}},
        "App": app,
        "State": stack("State", "test-state"),
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }


def state_template(table_outputs: Mapping[str, object] | None) -> dict[str, object]:
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    }
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    lock = {
        "ObjectLockEnabled": True,
        "VersioningConfiguration": {"Status": "Enabled"},
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule},
    }
    named = {
        "TableName": {"Value": {"Ref": "Table"}, "Export": {"Name": "test-table"}},
        "BucketName": {"Value": {"Ref": "Bucket"}},
        "ExportsOutputRefTable1234": {"Value": {"Ref": "Table"}},
    }
    return {
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": lock},
        },
        "Outputs": named | dict(table_outputs or {}),
    }


def app_template(key: str) -> dict[str, object]:
    function = {
        "Code": {
            "S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
            "S3Key": key,
        },
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Environment": {"Variables": {"SPEED": {"Ref": "LadderSpeed"}}},
    }
    return {
        "Parameters": {"LadderSpeed": {"Type": "String", "Default": "1"}},
        "Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": function}},
        "Outputs": {
            "FunctionName": {"Value": {"Ref": "Function"}},
            "Imported": {"Value": {"Fn::ImportValue": "test-table"}},
        },
    }


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_assembly(tmp_path_factory.mktemp("cdk") / "cdk.out")


@pytest.fixture
def client(emulator: Emulator) -> Callable[[str], Any]:
    return emulator.client


def test_stacks_come_after_what_they_need(assembly: Path) -> None:
    assert [stack.name for stack in stacks_in_order(assembly)] == ["test-state", "test-app"]


def test_deployed_function_has_its_code_and_its_parameter(
    emulator: Emulator, client: Callable[[str], Any], assembly: Path
) -> None:
    found = deploy(emulator.endpoint, assembly, {"LadderSpeed": "900"})
    assert found["Imported"] == found["TableName"]
    assert found.keys() == {"TableName", "BucketName", "FunctionName", "Imported"}
    reply = client("lambda").invoke(FunctionName=found["FunctionName"])
    assert json.load(reply["Payload"]) == "900"


def test_time_to_live_and_object_lock_are_set(
    emulator: Emulator, client: Callable[[str], Any], assembly: Path
) -> None:
    found = deploy(emulator.endpoint, assembly)
    ttl = client("dynamodb").describe_time_to_live(TableName=found["TableName"])
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    lock = client("s3").get_object_lock_configuration(Bucket=found["BucketName"])
    assert lock["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] == 1


def test_a_second_deploy_keeps_the_rows_and_takes_new_parameters(
    emulator: Emulator, client: Callable[[str], Any], assembly: Path, tmp_path: Path
) -> None:
    first = deploy(emulator.endpoint, assembly, {"LadderSpeed": "1"})
    row = {"pk": {"S": "kept"}}
    client("dynamodb").put_item(TableName=first["TableName"], Item=row)
    changed = write_assembly(tmp_path / "cdk.out", {"More": {"Value": "yes"}})
    second = deploy(emulator.endpoint, changed, {"LadderSpeed": "60"})
    assert second == first | {"More": "yes"}
    assert client("dynamodb").get_item(TableName=first["TableName"], Key=row)["Item"] == row
    reply = client("lambda").invoke(FunctionName=first["FunctionName"])
    assert json.load(reply["Payload"]) == "60"


def test_a_parameter_that_no_stack_has_is_an_error(emulator: Emulator, assembly: Path) -> None:
    with pytest.raises(UsageError, match="parameter LaderSpeed"):
        deploy(emulator.endpoint, assembly, {"LaderSpeed": "900"})


def test_a_stack_that_is_not_deployed_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(FindingError, match="stack nowhere is not deployed"):
        outputs(emulator.endpoint, "nowhere")


def test_a_folder_without_an_assembly_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no manifest\.json"):
        stacks_in_order(tmp_path)


def test_zip_bytes_depend_on_names_and_content_only(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for age_s, folder in enumerate(folders):
        (folder / "inner").mkdir(parents=True)
        file = folder / "inner" / "a.py"
        file.write_text("a = 1")
        os.utime(file, (10**9 + 100 * age_s,) * 2)
    assert zipped(folders[0]) == zipped(folders[1])
