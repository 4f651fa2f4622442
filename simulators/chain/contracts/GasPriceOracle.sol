// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// What an OP-stack chain says that a transaction's data costs on L1, by the rules of its Fjord upgrade
/// (https://specs.optimism.io/protocol/fjord/exec-engine.html): a line through the size after compression, priced by
/// L1's charges for gas and for blobs. The real one compresses what it is shown; this one takes the worst case.
contract GasPriceOracle {
    int256 private constant INTERCEPT = -42_585_600;
    int256 private constant SLOPE = 836_500;
    int256 private constant LEAST = 100 * 1e6;
    uint256 private constant SCALARS = 1e12;
    uint256 public constant baseFeeScalar = 2269;
    uint256 public constant blobBaseFeeScalar = 1_055_762;
    uint256 public l1BaseFee;
    uint256 public blobBaseFee;

    function set(uint256 l1BaseFee_, uint256 blobBaseFee_) external {
        l1BaseFee = l1BaseFee_;
        blobBaseFee = blobBaseFee_;
    }

    /// A transaction without its signature, in bytes, which are assumed not to compress.
    function getL1FeeUpperBound(uint256 unsignedSize) external view returns (uint256) {
        uint256 size = unsignedSize + 68;
        return _cost(size + size / 255 + 16);
    }

    function getL1Fee(bytes calldata transaction) external view returns (uint256) {
        return _cost(transaction.length + 68);
    }

    function _cost(uint256 size) private view returns (uint256) {
        int256 estimated = INTERCEPT + SLOPE * int256(size);
        uint256 counted = uint256(estimated < LEAST ? LEAST : estimated);
        return counted * (baseFeeScalar * 16 * l1BaseFee + blobBaseFeeScalar * blobBaseFee) / SCALARS;
    }
}
