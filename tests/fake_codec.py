"""`codec.py` with the lossless stand-in inside, without LiteRT: a test measures its memory."""

import sys
import types

if __name__ == "__main__":
    interpreter = types.ModuleType("ai_edge_litert.interpreter")
    vars(interpreter)["Interpreter"] = None
    sys.modules |= {"ai_edge_litert": types.ModuleType("ai_edge_litert")}
    sys.modules |= {"ai_edge_litert.interpreter": interpreter}
    from soundstream import cli
    from tests import fake_runtime

    fake_runtime.use(setattr)
    # Not the released model, whose entropy tables are for codes of another kind.
    sys.argv = ["codec.py", "--model_dir=stand-in", *sys.argv[1:]]
    cli.run()
