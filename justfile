# What a developer runs; CI runs `check`. Use it as `uv run just <recipe>`.

code := "margin functions spark_jobs stacks local tests app.py"

# All that CI runs; the summary of the tests is its last line
check: lint types imports lock-check synth test

# Style and layout
lint:
    ruff check {{ code }}
    ruff format --check {{ code }}

# Types, strictly
types:
    mypy {{ code }}

# The walls between the rooms
imports:
    lint-imports

# The pins against what is installed
lock-check:
    python -m local.lock --check

# Pin every package that another one brings along
lock:
    python -m local.lock

# The templates and code assets, in cdk.out
synth:
    python app.py

# All tests
test:
    pytest -q

# A falling market through the whole system
demo:
    marginwatch demo
