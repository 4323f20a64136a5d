import Checkpoints
import TestServers
import Testing

@Suite struct PythonTests {
    /// What h5py, an independent reader, finds in a file of ours, as the format's page documents it.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func h5pyFindsTheDocumentedNamesShapesAndValues() async throws {
        try await withTemporaryFolder { folder in
            try sampleCheckpoint(version: 5).write(to: "\(folder)/a.h5")
            let program = PythonProgram(
                """
                import h5py, numpy, sys, zlib
                path = sys.argv[1]
                with h5py.File(path, "r") as f:
                    assert f.attrs["format"] == "berth-checkpoint", f.attrs["format"]
                    assert f.attrs["format_version"] == 1 and f.attrs["format_version"].dtype == numpy.int64
                    assert f.attrs["project_version"] == "\(ProjectVersion.current)"
                    assert f.userblock_size == 512
                    weight = f["policy/scorer/layer0/weight"]
                    assert weight.shape == (30, 20) and weight.dtype == "<f4", weight
                    assert weight[1, 2] == numpy.float32(5 + 22 / 1024)
                    assert sorted(f["policy/scorer/layer0"]) == ["bias", "weight"]
                    mean = f["normalizer/mean"]
                    assert mean.dtype == "<f8" and list(mean) == [0.1 + 0.2, -numpy.pi, 5.0]
                    step = f["optimizer/step"]
                    assert step.shape == () and step.dtype == "<i8" and step[()] == -5
                    words = f["generators/policy"]
                    assert words.dtype == "<u8" and words[...].tolist() == [[2**64 - 1, 0], [1, 5]]
                    assert f["replay/rewards"].shape == (0, 4)
                    assert f["configuration"].asstr()[()] == "seed: 5\\nname: π→😀\\n"
                    assert f["schema"].asstr()[()] == ""
                data = open(path, "rb").read()
                lines = data[:512].rstrip(b"\\0").decode().split("\\n")
                assert lines[0] == "berth-checkpoint 1" and lines[1] == f"length {len(data) - 512}", lines
                assert lines[2] == f"crc32 {zlib.crc32(data[512:]):x}", lines
                print("agreed")
                """)
            #expect(try program.text(["\(folder)/a.h5"]) == "agreed\n")
        }
    }
}
