"""The sweep service: what to train, where results are kept, and what runs it.

    spec      what to run: trials, presets, YAML files, --set
    store     what is kept: records, files, who may write what
    tables    the Parquet view of the records
    worker    code that runs inside Ray's workers
    driver    code that runs in the driver process
    export    a trained model as a folder that needs torch alone
    pair      two stores: what differs, and copying results
    commands  the verbs of the command line

`driver` and `worker` never import each other; `running.py` puts them together.
"""
