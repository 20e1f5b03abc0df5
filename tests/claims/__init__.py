"""The reliability claims: scenarios that try to break the promise, and the report of how they went.

`python -m tests.claims` runs the short versions, `--full` the sizes that docs/reliability.md is written from. One
module per scenario in `scenarios`, each with `async def run(ctx) -> ScenarioReport`.
"""
