import Kubernetes
import Testing

@Suite struct ResourceQuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1_000_000_000), ("500m", 500_000_000), ("0.1", 100_000_000), (".5", 500_000_000),
            ("5.", 5_000_000_000), ("+2", 2_000_000_000), ("-2", -2_000_000_000), ("1e3", 1_000_000_000_000),
            ("1E3", 1_000_000_000_000), ("1.5e-3", 1_500_000), ("12345n", 12_345), ("7u", 7_000),
            ("64Mi", 67_108_864_000_000_000), ("1.5Gi", 1_610_612_736_000_000_000), ("1Ki", 1_024_000_000_000),
            ("2k", 2_000_000_000_000), ("3M", 3_000_000_000_000_000), ("1E", 1_000_000_000_000_000_000_000_000_000),
            ("0.5n", 1), ("1.1n", 2), ("0n", 0), ("100.000000000000000000000000000001m", 100_000_001),
        ] as [(String, Int128)])
    func parsesExactly(_ text: String, _ nanounits: Int128) throws {
        #expect(try ResourceQuantity(parsing: text).nanounits == nanounits)
    }

    @Test(arguments: [
        "", " ", "m", "abc", "1 ", " 1", "1.2.3", "1mi", "1ki", "1KI", "1e", "1e1.5", "1mm", "--1", "0x10", "1Gib",
        "∞", "NaN", "1e99999999999999999999", ".", "-", "1,5",
    ])
    func refusesWhatIsNoQuantity(_ text: String) {
        #expect(throws: QuantityError(text: text)) { try ResourceQuantity(parsing: text) }
    }

    @Test func capsAtTheLargestInteger() throws {
        let cap = try ResourceQuantity(parsing: "9223372036854775807")
        for text in ["9223372036854775808", "1e300", "8Ei", "999999999999999999999999999999999999999999"] {
            #expect(try ResourceQuantity(parsing: text) == cap)
        }
        #expect(cap.roundedUp == Int64.max)
        #expect(cap + cap == cap)
        #expect(try ResourceQuantity(parsing: "1e-300").nanounits == 1)
    }

    @Test(arguments: [
        ("0.25", "250m"), ("1Gi", "1073741824"), ("3", "3"), ("1500u", "1500u"), ("1n", "1n"), ("0", "0"),
        ("-1.5", "-1500m"),
    ])
    func writesWhatItReads(_ text: String, _ written: String) throws {
        let quantity = try ResourceQuantity(parsing: text)
        #expect(quantity.text == written)
        #expect(try ResourceQuantity(parsing: written) == quantity)
    }

    /// Sums and conversions against exact integer arithmetic.
    @Test func roundsUpAndAdds() throws {
        let third = try ResourceQuantity(parsing: "333333333n")
        #expect(third.milli == 334)
        #expect(third.roundedUp == 1)
        #expect((third + third + third).nanounits == 999_999_999)
        #expect(try ResourceQuantity(parsing: "1500m").value == 1.5)
        #expect(try ResourceQuantity(parsing: "-1500m").milli == -1_500)
        #expect(try ResourceQuantity(parsing: "1500m") == ResourceQuantity(parsing: "1.5"))
        #expect(try ResourceQuantity(parsing: "1G") < ResourceQuantity(parsing: "1Gi"))
    }
}
